"""What CloudWatch Logs refuses."""

import math
import re
from collections.abc import Mapping

from localaws.admission import policies
from localaws.admission.account import Account
from localaws.admission.rule import Parameters, Rule, in_turn, invalid
from localaws.admission.services.tags import reserved_tags
from localaws.errors import AwsError
from localaws.filter_patterns import filter_of
from localaws.patterns import PatternError

SUBSCRIPTION_FILTERS = 2
DAY_MILLISECONDS = 86_400_000
MOST_DIMENSIONS = 3
"""Of what one metric filter makes."""
MOST_RESULTS = 10_000
"""Of a query."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)

LAST_MILLISECOND = 253_402_300_799_999


def _put_log_events(parameters: Parameters, account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html."""
    events = parameters["logEvents"]
    times = [event["timestamp"] for event in events]
    if times and max(times) > LAST_MILLISECOND:
        text = f"The timestamp {max(times)} is no time in milliseconds before the year 10000"
        raise AwsError("InvalidParameterException", text)
    if times != sorted(times):
        text = "Log events in a single PutLogEvents request must be in chronological order."
        raise AwsError("InvalidParameterException", text)
    if times and times[-1] - times[0] > DAY_MILLISECONDS:
        text = "The batch of log events in a single PutLogEvents request cannot span more than 24"
        raise AwsError("InvalidParameterException", f"{text} hours.")
    size = sum(len(event["message"].encode()) + 26 for event in events)
    if size > 1_048_576:
        text = f"Upload too large: {size} bytes exceeds limit of 1048576"
        raise AwsError("InvalidParameterException", text)


def _create_log_group(parameters: Parameters, account: Account) -> None:
    if parameters["logGroupName"].startswith("aws/"):
        raise invalid("Log groups starting with AWS/ are reserved for AWS.",
                       "InvalidParameterException")  # fmt: skip
    key = parameters.get("kmsKeyId")
    if key is not None and not account.key_exists(key):
        raise invalid(f"The specified KMS Key Id {key} could not be found.",
                       "InvalidParameterException")  # fmt: skip
    reserved_tags("tags", "", "InvalidParameterException")(parameters, account)


def _start_query(parameters: Parameters, account: Account) -> None:
    if parameters["startTime"] > parameters["endTime"]:
        raise invalid("End time should not be less than start time", "InvalidParameterException")
    given = parameters.keys() & {"logGroupName", "logGroupNames", "logGroupIdentifiers"}
    if len(given) > 1:
        text = f"Only one of these may be given: {', '.join(sorted(given))}"
        raise invalid(text, "InvalidParameterException")
    if parameters.get("limit", 1) > MOST_RESULTS:
        text = f"Limit {parameters['limit']} is greater than {MOST_RESULTS}"
        raise invalid(text, "InvalidParameterException")


def _stop_query(parameters: Parameters, account: Account) -> None:
    if account.record("query", parameters["queryId"]) is None:
        raise invalid("The specified query does not exist.", "ResourceNotFoundException")


def _filter_pattern(parameters: Parameters, account: Account) -> None:
    try:
        filter_of(parameters.get("filterPattern", ""))
    except PatternError as error:
        raise invalid(str(error), "InvalidParameterException") from None


def _transformations(parameters: Parameters, account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html."""
    pattern = parameters.get("filterPattern", "").strip()
    for made in parameters["metricTransformations"]:
        value = made["metricValue"]
        if made["metricNamespace"].startswith("AWS/"):
            raise _transformation("metricNamespace must not start with AWS/")
        if not value.startswith("$") and not _NUMBER.fullmatch(value):
            raise _transformation(f"metricValue {value} is neither a number nor a field ($…)")
        if "dimensions" in made and "defaultValue" in made:
            raise _transformation("dimensions and default value are mutually exclusive properties.")
        if len(made.get("dimensions") or ()) > MOST_DIMENSIONS:
            raise _transformation(f"at most {MOST_DIMENSIONS} dimensions can be given.")
        if "dimensions" in made and not pattern.startswith(("{", "[")):
            raise _transformation("dimensions need a JSON or a space-delimited filter pattern.")


def _transformation(reason: str) -> AwsError:
    return invalid(f"Invalid metric transformation: {reason}", "InvalidParameterException")


def _destination(parameters: Parameters, account: Account) -> None:
    arn = parameters["destinationArn"]
    service = arn.split(":")[2] if arn.startswith("arn:") and arn.count(":") > 4 else ""
    if service not in ("firehose", "kinesis", "lambda", "logs"):
        text = f"destinationArn {arn} names no function, stream or destination."
        raise invalid(text, "InvalidParameterException")
    if service in ("firehose", "kinesis"):
        text = f"localaws has no {service}: log events can be sent to functions here."
        raise invalid(text, "InvalidParameterException")
    name = arn.partition(":function:")[2].partition(":")[0]
    if service == "lambda" and account.record("function", name) is None:
        raise invalid(
            "Could not execute the lambda function. Make sure you have given CloudWatch Logs"
            " permission to execute your function.",
            "InvalidParameterException",
        )


def _put_destination(parameters: Parameters, account: Account) -> None:
    arn = parameters["targetArn"]
    text = f"{arn} is no target here: localaws has no Kinesis streams; functions take log events."
    raise invalid(text, "InvalidParameterException")


def _resource_policy(parameters: Parameters, account: Account) -> None:
    policies.check_resource_policy(
        parameters.get("policyDocument", ""), account, "InvalidParameterException"
    )


def _subscription_filter(parameters: Parameters, account: Account) -> None:
    group = account.record("log group", parameters["logGroupName"])
    if group is None:
        return
    names = {*group.get("subscriptionFilters", ()), parameters["filterName"]}
    if len(names) > SUBSCRIPTION_FILTERS:
        raise AwsError("LimitExceededException", "Resource limit exceeded.")


def _filter_events(parameters: Parameters, account: Account) -> None:
    if parameters.get("logStreamNames") and parameters.get("logStreamNamePrefix"):
        text = "logStreamNames and logStreamNamePrefix exclude each other"
        raise AwsError("InvalidParameterException", text)
    if parameters.get("startTime", 0) > parameters.get("endTime", math.inf):
        text = "The start time is later than the end time."
        raise AwsError("InvalidParameterException", text)


def _one_group(parameters: Parameters, account: Account) -> None:
    given = parameters.keys() & {"logGroupName", "logGroupIdentifier"}
    if len(given) != 1:
        text = "Either log group name or log group identifier must be specified, and not both."
        raise AwsError("InvalidParameterException", text)


def _describe_streams(parameters: Parameters, account: Account) -> None:
    if parameters.get("orderBy") == "LastEventTime" and parameters.get("logStreamNamePrefix"):
        text = "Cannot order by LastEventTime with a logStreamNamePrefix."
        raise AwsError("InvalidParameterException", text)


RULES: Mapping[tuple[str, str], Rule] = {
    ("logs", "CreateLogGroup"): _create_log_group,
    ("logs", "DescribeLogStreams"): in_turn(_one_group, _describe_streams),
    ("logs", "FilterLogEvents"): in_turn(_one_group, _filter_events),
    ("logs", "GetLogEvents"): _one_group,
    ("logs", "PutDestination"): _put_destination,
    ("logs", "PutLogEvents"): _put_log_events,
    ("logs", "PutMetricFilter"): in_turn(_filter_pattern, _transformations),
    ("logs", "PutResourcePolicy"): _resource_policy,
    ("logs", "PutSubscriptionFilter"): in_turn(_filter_pattern, _subscription_filter, _destination),
    ("logs", "StartQuery"): _start_query,
    ("logs", "StopQuery"): _stop_query,
}

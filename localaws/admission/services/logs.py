"""What CloudWatch Logs refuses."""

from collections.abc import Mapping

from localaws.admission.account import Account
from localaws.admission.rule import Parameters, Rule, in_turn, invalid
from localaws.admission.services.tags import reserved_tags
from localaws.errors import AwsError

SUBSCRIPTION_FILTERS = 2
DAY_MILLISECONDS = 86_400_000


def _put_log_events(parameters: Parameters, account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html."""
    events = parameters["logEvents"]
    times = [event["timestamp"] for event in events]
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


def _filter_pattern(parameters: Parameters, account: Account) -> None:
    """Brackets and quotation marks have to be closed."""
    pattern = parameters.get("filterPattern", "").strip()
    pairs = {"{": "}", "[": "]"}
    closed = not pattern or pattern[0] not in pairs or pattern.endswith(pairs[pattern[0]])
    if not closed or pattern.count('"') % 2:
        raise invalid("Invalid filter pattern", "InvalidParameterException")


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


def _describe_streams(parameters: Parameters, account: Account) -> None:
    if parameters.get("orderBy") == "LastEventTime" and parameters.get("logStreamNamePrefix"):
        text = "Cannot order by LastEventTime with a logStreamNamePrefix."
        raise AwsError("InvalidParameterException", text)


RULES: Mapping[tuple[str, str], Rule] = {
    ("logs", "CreateLogGroup"): _create_log_group,
    ("logs", "DescribeLogStreams"): _describe_streams,
    ("logs", "FilterLogEvents"): _filter_events,
    ("logs", "PutLogEvents"): _put_log_events,
    ("logs", "PutMetricFilter"): _filter_pattern,
    ("logs", "PutSubscriptionFilter"): in_turn(_filter_pattern, _subscription_filter),
    ("logs", "StartQuery"): _start_query,
}

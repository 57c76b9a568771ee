"""What SNS, EventBridge and its Scheduler refuse."""

import json
import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

from localaws.admission.account import Account
from localaws.admission.rules import Parameters, Rule
from localaws.errors import AwsError

TARGETS_OF_RULE = 5
_SUBJECT = re.compile(r"[!-~][^\x00-\x1f\x7f]{0,99}")
_RATE = re.compile(r"rate\((?:1 (?:minute|hour|day)|(?!1 )[1-9]\d{0,7} (?:minutes|hours|days))\)")
_TOPIC_ATTRIBUTES = {
    "ApplicationSuccessFeedbackRoleArn", "ApplicationSuccessFeedbackSampleRate",
    "ApplicationFailureFeedbackRoleArn", "ArchivePolicy", "ContentBasedDeduplication",
    "DeliveryPolicy", "DisplayName", "FifoThroughputScope", "FifoTopic",
    "FirehoseFailureFeedbackRoleArn",
    "FirehoseSuccessFeedbackRoleArn", "FirehoseSuccessFeedbackSampleRate",
    "HTTPFailureFeedbackRoleArn", "HTTPSuccessFeedbackRoleArn", "HTTPSuccessFeedbackSampleRate",
    "KmsMasterKeyId", "LambdaFailureFeedbackRoleArn", "LambdaSuccessFeedbackRoleArn",
    "LambdaSuccessFeedbackSampleRate", "Policy", "SQSFailureFeedbackRoleArn",
    "SQSSuccessFeedbackRoleArn", "SQSSuccessFeedbackSampleRate", "SignatureVersion",
    "TracingConfig",
}  # fmt: skip


def _invalid(reason: str) -> AwsError:
    return AwsError("InvalidParameter", f"Invalid parameter: {reason}")


def _publish(parameters: Parameters, account: Account) -> None:
    message, subject = parameters["Message"], parameters.get("Subject")
    if not message:
        raise _invalid("Empty message")
    if subject is not None and not _SUBJECT.fullmatch(subject):
        raise _invalid("Subject")
    if parameters.get("MessageStructure") == "json":
        parts = _object(message)
        if parts is None:
            raise _invalid("Message Structure - JSON message body failed to parse")
        if not isinstance(parts.get("default"), str):
            raise _invalid("Message Structure - No default entry in JSON message body")


def _create_topic(parameters: Parameters, account: Account) -> None:
    attributes = parameters.get("Attributes") or {}
    for name, value in attributes.items():
        _check_attribute(name, value)
    arn = f"arn:aws:sns:{account.region}:{account.account_id}:{parameters['Name']}"
    topic = account.record("topic", arn)
    if topic is None:
        return
    there = topic.get("attributes", {})
    if any(there.get(name) != value for name, value in attributes.items()):
        raise _invalid("Attributes Reason: Topic already exists with different attributes")


def _set_topic_attributes(parameters: Parameters, account: Account) -> None:
    _check_attribute(parameters["AttributeName"], parameters.get("AttributeValue", ""))


def _check_attribute(name: str, value: Any) -> None:
    if name not in _TOPIC_ATTRIBUTES:
        raise _invalid("AttributeName")
    if name == "Policy" and value and not (_object(value) or {}).get("Statement"):
        raise _invalid("Policy Error: null")


def _subscribe(parameters: Parameters, account: Account) -> None:
    protocol, endpoint = parameters["Protocol"], parameters.get("Endpoint", "")
    if protocol in ("http", "https") and not endpoint.startswith(f"{protocol}://"):
        raise _invalid("Endpoint must match the specified protocol")
    for name, value in (parameters.get("Attributes") or {}).items():
        _check_subscription(name, value)


def _set_subscription(parameters: Parameters, account: Account) -> None:
    _check_subscription(parameters["AttributeName"], parameters.get("AttributeValue", ""))


def _check_subscription(name: str, value: str) -> None:
    """https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html."""
    if name == "FilterPolicy" and value:
        policy = _object(value)
        if policy is None:
            raise _invalid("FilterPolicy: failed to parse JSON.")
        for key, rule in policy.items():
            if not isinstance(rule, list | dict) or not rule:
                raise _invalid(f'FilterPolicy: "{key}" must be an object or an array')


def _put_rule(parameters: Parameters, account: Account) -> None:
    expression = parameters.get("ScheduleExpression")
    if not expression and not parameters.get("EventPattern"):
        text = "Parameter(s) EventPattern or ScheduleExpression must be specified."
        raise AwsError("ValidationException", text)
    if expression and expression.startswith("rate(") and not _RATE.fullmatch(expression):
        raise AwsError("ValidationException", "Parameter ScheduleExpression is not valid.")


def _put_targets(parameters: Parameters, account: Account) -> None:
    there = account.record("rule", parameters["Rule"])
    if there is None or parameters.get("EventBusName", "default") != "default":
        return
    ids = {target["Id"] for target in (*there["Targets"], *parameters["Targets"])}
    if len(ids) > TARGETS_OF_RULE:
        text = f"The requested resource exceeds the maximum number allowed ({TARGETS_OF_RULE})."
        raise AwsError("LimitExceededException", text)


def _delete_rule(parameters: Parameters, account: Account) -> None:
    there = account.record("rule", parameters["Name"])
    if there and there["Targets"] and parameters.get("EventBusName", "default") == "default":
        raise AwsError("ValidationException", "Rule can't be deleted since it has targets.")


def _schedule(parameters: Parameters, account: Account) -> None:
    """https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html."""
    expression, window = parameters["ScheduleExpression"], parameters["FlexibleTimeWindow"]
    if not re.fullmatch(r"(at|rate|cron)\(.+\)", expression) or (
        expression.startswith("rate(")
        and not re.fullmatch(r"rate\([1-9]\d{0,7} (minute|hour|day)s?\)", expression)
    ):
        raise AwsError("ValidationException", f"Invalid Schedule Expression {expression}.")
    zone = parameters.get("ScheduleExpressionTimezone", "UTC")
    if zone not in available_timezones():
        raise AwsError("ValidationException", f"Provided timezone {zone} is not supported.")
    minutes = window.get("MaximumWindowInMinutes")
    if (window.get("Mode") == "FLEXIBLE") != (minutes is not None):
        text = "MaximumWindowInMinutes goes with a flexible time window, and with none else."
        raise AwsError("ValidationException", text)


def _object(text: Any) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


RULES: Mapping[tuple[str, str], Rule] = {
    ("events", "DeleteRule"): _delete_rule,
    ("events", "PutRule"): _put_rule,
    ("events", "PutTargets"): _put_targets,
    ("scheduler", "CreateSchedule"): _schedule,
    ("scheduler", "UpdateSchedule"): _schedule,
    ("sns", "CreateTopic"): _create_topic,
    ("sns", "Publish"): _publish,
    ("sns", "SetSubscriptionAttributes"): _set_subscription,
    ("sns", "SetTopicAttributes"): _set_topic_attributes,
    ("sns", "Subscribe"): _subscribe,
}

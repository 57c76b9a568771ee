"""What SNS refuses."""

import json
import re
from collections.abc import Mapping
from typing import Any

from localaws.admission.account import Account
from localaws.admission.rule import Parameters, Rule, in_turn
from localaws.errors import AwsError

_SUBJECT = re.compile(r"[!-~][^\x00-\x1f\x7f]{0,99}")
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
_PROTOCOLS = ("http", "https", "email", "email-json", "sms", "sqs", "application", "lambda",
              "firehose")  # fmt: skip


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


def _topic_name(parameters: Parameters, account: Account) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,256}|[A-Za-z0-9_-]{1,251}\.fifo", parameters["Name"]):
        raise _invalid("Topic Name")


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


def _protocol(parameters: Parameters, account: Account) -> None:
    protocol, endpoint = parameters["Protocol"], parameters.get("Endpoint", "")
    if protocol not in _PROTOCOLS:
        raise _invalid(f"Amazon SNS does not support this protocol string: {protocol}")
    if protocol.startswith("email") and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", endpoint):
        raise _invalid("Email address")


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


def _object(text: Any) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


RULES: Mapping[tuple[str, str], Rule] = {
    ("sns", "CreateTopic"): in_turn(_topic_name, _create_topic),
    ("sns", "Publish"): _publish,
    ("sns", "SetSubscriptionAttributes"): _set_subscription,
    ("sns", "SetTopicAttributes"): _set_topic_attributes,
    ("sns", "Subscribe"): in_turn(_protocol, _subscribe),
}

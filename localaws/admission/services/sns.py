"""What SNS refuses."""

import json
import re
from collections.abc import Mapping
from typing import Any

from localaws.admission.account import Account
from localaws.admission.reading import FLOAT
from localaws.admission.rule import Parameters, Rule, in_turn
from localaws.admission.services.event_patterns import MATCHERS, pattern_problems
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
_SUBSCRIPTION_ATTRIBUTES = frozenset(
    {"DeliveryPolicy", "FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy",
     "ReplayPolicy", "SubscriptionRoleArn"}
)  # fmt: skip
_ACTIONS = frozenset(
    {"AddPermission", "DeleteTopic", "GetDataProtectionPolicy", "GetTopicAttributes",
     "ListSubscriptionsByTopic", "ListTagsForResource", "Publish", "PutDataProtectionPolicy",
     "Receive", "RemovePermission", "SetTopicAttributes", "Subscribe"}
)  # fmt: skip
MOST_DISPLAY_NAME = 100
MOST_KEYS = 5
"""Of a filter policy."""
_PROTOCOLS = ("http", "https", "email", "email-json", "sms", "sqs", "application", "lambda",
              "firehose")  # fmt: skip


def _invalid(reason: str) -> AwsError:
    return AwsError("InvalidParameter", f"Invalid parameter: {reason}")


def _publish(parameters: Parameters, account: Account) -> None:
    message, subject = parameters["Message"], parameters.get("Subject")
    _target(parameters)
    if not message:
        raise _invalid("Empty message")
    if subject is not None and not _SUBJECT.fullmatch(subject):
        raise _invalid("Subject")
    if parameters.get("MessageStructure", "json") != "json":
        raise _invalid("MessageStructure")
    if parameters.get("MessageStructure") == "json":
        parts = _object(message)
        if parts is None:
            raise _invalid("Message Structure - JSON message body failed to parse")
        if not isinstance(parts.get("default"), str):
            raise _invalid("Message Structure - No default entry in JSON message body")


def _target(parameters: Parameters) -> None:
    """One of a topic, an endpoint and a number, each in its form."""
    if not parameters.keys() & {"TopicArn", "TargetArn", "PhoneNumber"}:
        raise _invalid("TopicArn or TargetArn Reason: no value for required parameter")
    number = parameters.get("PhoneNumber")
    if number is not None and not re.fullmatch(r"\+?[0-9]{4,15}", number, re.ASCII):
        raise _invalid(f"PhoneNumber Reason: {number} is not valid to publish to")
    for member in ("TopicArn", "TargetArn"):
        _check_arn(member, parameters.get(member, "arn:aws:sns:::"))


def _check_arn(member: str, arn: str) -> None:
    count = arn.count(":") + 1
    if not arn.startswith("arn:") or count < 6:
        raise _invalid(f"{member} Reason: An ARN must have at least 6 elements, not {count}")


def _add_permission(parameters: Parameters, account: Account) -> None:
    """https://docs.aws.amazon.com/sns/latest/api/API_AddPermission.html."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,80}", parameters["Label"], re.ASCII):
        raise _invalid("Label")
    for principal in parameters["AWSAccountId"]:
        if not re.fullmatch(r"[0-9]{12}", principal, re.ASCII):
            raise _invalid(f"AWSAccountId Reason: {principal} is no account")
    if not _ACTIONS.issuperset(parameters["ActionName"]):
        raise _invalid("Policy statement action out of service scope!")


def _topic_name(parameters: Parameters, account: Account) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,256}|[A-Za-z0-9_-]{1,251}\.fifo", parameters["Name"]):
        raise _invalid("Topic Name")


def _attributes_of_message(entry: Parameters) -> None:
    for name, attribute in (entry.get("MessageAttributes") or {}).items():
        kind = str(attribute.get("DataType", "")).partition(".")[0]
        about = f"The message attribute '{name}'"
        if name.lower().startswith(("aws.", "amazon.")):
            raise _value(f"{about} begins with a prefix that is reserved (AWS., Amazon.)")
        if kind not in ("Binary", "Number", "String"):
            raise _value(
                f"{about} has an invalid message attribute type, the set of supported type"
                " prefixes is Binary, Number, and String."
            )
        value = attribute.get("BinaryValue" if kind == "Binary" else "StringValue")
        if not value:
            raise _value(
                f"{about} must contain non-empty message attribute value for message attribute"
                f" type '{kind}'."
            )
        if kind == "Number" and not FLOAT.fullmatch(value):
            raise _value(f"Could not cast message attribute '{name}' value to number.")


def _value(text: str) -> AwsError:
    return AwsError("ParameterValueInvalid", text)


def _deduplicated(entry: Parameters, topic: str) -> None:
    if "MessageDeduplicationId" in entry and not topic.endswith(".fifo"):
        raise _invalid(
            "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter"
            " that is not valid for this topic type"
        )


def _publish_one(parameters: Parameters, account: Account) -> None:
    _attributes_of_message(parameters)
    _deduplicated(parameters, parameters.get("TopicArn", ""))


def _publish_batch(parameters: Parameters, account: Account) -> None:
    for entry in parameters.get("PublishBatchRequestEntries") or ():
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,80}", entry.get("Id", ""), re.ASCII):
            raise AwsError(
                "InvalidBatchEntryId",
                "The Id of a batch entry in a batch request doesn't abide by the specification.",
            )
        _attributes_of_message(entry)
        _deduplicated(entry, parameters["TopicArn"])


def _create_topic(parameters: Parameters, account: Account) -> None:
    attributes = parameters.get("Attributes") or {}
    for name, value in attributes.items():
        _check_attribute(name, value)
    arn = f"arn:aws:sns:{account.region}:{account.account_id}:{parameters['Name']}"
    topic = account.record("topic", arn)
    fifo = attributes.get("FifoTopic", "false").lower() == "true"
    if fifo != parameters["Name"].endswith(".fifo"):
        raise _invalid("Topic Name")
    if topic is None:
        return
    there = topic.get("attributes", {})
    if any(there.get(name) != value for name, value in attributes.items()):
        raise _invalid("Attributes Reason: Topic already exists with different attributes")


def _set_topic_attributes(parameters: Parameters, account: Account) -> None:
    if parameters["AttributeName"] == "FifoTopic":  # a topic is one from its beginning, or never
        raise _invalid("AttributeName")
    _check_attribute(parameters["AttributeName"], parameters.get("AttributeValue", ""))


def _check_attribute(name: str, value: Any) -> None:
    if name not in _TOPIC_ATTRIBUTES:
        raise _invalid("AttributeName")
    if name == "Policy" and value and not (_object(value) or {}).get("Statement"):
        raise _invalid("Policy Error: null")
    if name == "TracingConfig" and value not in ("Active", "PassThrough"):
        raise _invalid("Attributes Reason: TracingConfig is neither Active nor PassThrough")
    if name == "DeliveryPolicy" and value and _object(value) is None:
        raise _invalid("DeliveryPolicy: failed to parse JSON.")
    if name == "DisplayName" and len(value) > MOST_DISPLAY_NAME:
        raise _invalid(f"Attributes Reason: DisplayName has over {MOST_DISPLAY_NAME} characters")


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
    if protocol == "sms" and not re.fullmatch(r"\+?[0-9][0-9 ().-]{5,18}", endpoint, re.ASCII):
        raise _invalid(f"Invalid SMS endpoint: {endpoint}")
    for name, value in (parameters.get("Attributes") or {}).items():
        _check_subscription(name, value)
        raw = name == "RawMessageDelivery" and value.lower() == "true"
        if raw and protocol not in ("http", "https", "sqs", "firehose"):
            raise _invalid(
                f"Attributes Reason: Delivery protocol [{protocol}] does not support raw message"
                " delivery."
            )


def _set_subscription(parameters: Parameters, account: Account) -> None:
    _check_subscription(parameters["AttributeName"], parameters.get("AttributeValue", ""))


def _check_subscription(name: str, value: str) -> None:
    """https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html."""
    if name not in _SUBSCRIPTION_ATTRIBUTES:
        raise _invalid("AttributeName")
    if name == "FilterPolicyScope" and value not in ("MessageAttributes", "MessageBody"):
        raise _invalid("FilterPolicyScope: it is neither MessageAttributes nor MessageBody")
    if name == "RedrivePolicy" and value:
        target = (_object(value) or {}).get("deadLetterTargetArn")
        if not isinstance(target, str) or not target.startswith("arn:"):
            raise _invalid("RedrivePolicy: deadLetterTargetArn is missing or no ARN")
    if name == "FilterPolicy" and value:
        policy = _object(value)
        if policy is None:
            raise _invalid("FilterPolicy: failed to parse JSON.")
        for key, rule in policy.items():
            if not isinstance(rule, list | dict) or not rule:
                raise _invalid(f'FilterPolicy: "{key}" must be an object or an array')
        problem = next(pattern_problems(policy, MATCHERS), None)
        if problem:
            raise _invalid(f"FilterPolicy: {problem}")
        if len(policy) > MOST_KEYS:
            raise _invalid(f"FilterPolicy: Filter policy can not have more than {MOST_KEYS} keys")


def _unsubscribe(parameters: Parameters, account: Account) -> None:
    arn = parameters["SubscriptionArn"]
    _check_arn("SubscriptionArn", arn)


def _tag(parameters: Parameters, account: Account) -> None:
    keys = [tag.get("Key") for tag in parameters.get("Tags") or ()]
    if len(set(keys)) < len(keys):
        raise _invalid("Duplicated keys are not allowed.")


def _object(text: Any) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


RULES: Mapping[tuple[str, str], Rule] = {
    ("sns", "AddPermission"): _add_permission,
    ("sns", "CreateTopic"): in_turn(_tag, _topic_name, _create_topic),
    ("sns", "Publish"): in_turn(_publish, _publish_one),
    ("sns", "PublishBatch"): _publish_batch,
    ("sns", "SetSubscriptionAttributes"): _set_subscription,
    ("sns", "SetTopicAttributes"): _set_topic_attributes,
    ("sns", "Subscribe"): in_turn(_protocol, _subscribe),
    ("sns", "TagResource"): _tag,
    ("sns", "Unsubscribe"): _unsubscribe,
}

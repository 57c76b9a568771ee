"""Requests of APIs as the properties of resources make them."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from botocore.utils import parse_timestamp

Properties = Mapping[str, Any]
Json = dict[str, Any]
NAMED_BY_STACK = "generated"
"""Stands for a name that CloudFormation makes up where the template leaves it out."""


def text_of(value: Any) -> str:
    """A policy or pattern as text, whether the template has it as text or as an object."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def named(name: str, *others: str) -> Callable[[Properties], Json]:
    """The properties of these names, and the one that names the resource."""

    def made(properties: Properties) -> Json:
        picked = {other: properties[other] for other in others if other in properties}
        return {name: properties.get(name, NAMED_BY_STACK), **picked}

    return made


def whole(name: str) -> Callable[[Properties], Json]:
    """All properties, and a name for the resource."""
    return lambda properties: {name: NAMED_BY_STACK, **properties, "Tags": []}


def lowered(name: str) -> Callable[[Properties], Json]:
    """All members with small first letters, as CloudWatch Logs has them."""

    def made(properties: Properties) -> Json:
        request: Json = _lowered({name: NAMED_BY_STACK, **properties})
        for transformation in request.get("metricTransformations", ()):
            pairs = transformation.get("dimensions")
            if pairs:
                transformation["dimensions"] = {pair["key"]: pair["value"] for pair in pairs}
        return {member: value for member, value in request.items() if member != "tags"}

    return made


def _lowered(value: Any) -> Any:
    if isinstance(value, list):
        return [_lowered(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {name[:1].lower() + name[1:]: _lowered(member) for name, member in value.items()}


def function_request(properties: Properties) -> Json:
    """CreateFunction; code that the template holds itself is no archive yet."""
    made = named("FunctionName", "Role", "Handler", "Runtime", "MemorySize", "Timeout",
                  "Environment", "PackageType", "EphemeralStorage")(properties)  # fmt: skip
    code = {k: v for k, v in properties["Code"].items() if k in ("S3Bucket", "S3Key", "ZipFile")}
    return {**made, "Code": code}


def machine_request(properties: Properties) -> Json:
    """CreateStateMachine, with the substitutions made."""
    made = {"name": NAMED_BY_STACK, "roleArn": properties["RoleArn"]}
    text = properties.get("DefinitionString")
    if text is None and "Definition" in properties:
        text = json.dumps(properties["Definition"])
    if text is None:
        return made  # it is in S3
    for name, value in properties.get("DefinitionSubstitutions", {}).items():
        text = text.replace(f"${{{name}}}", str(value))
    return {**made, "definition": text}


def rule_request(properties: Properties) -> Json:
    """PutRule."""
    made = named("Name", "ScheduleExpression", "EventBusName", "State")(properties)
    pattern = properties.get("EventPattern")
    return {**made, "EventPattern": text_of(pattern)} if pattern is not None else made


def targets_request(properties: Properties) -> Json:
    """PutTargets of a rule."""
    targets = [
        {k: v for k, v in target.items() if k in ("Id", "Arn", "RoleArn", "Input", "InputPath")}
        for target in properties.get("Targets", ())
    ]
    return {"Rule": NAMED_BY_STACK, "Targets": targets or [{"Id": "none", "Arn": "arn:none"}]}


def schedule_request(properties: Properties) -> Json:
    """CreateSchedule."""
    made = {"Name": NAMED_BY_STACK, **properties}
    for name in ("StartDate", "EndDate"):
        if name in made:
            made[name] = parse_timestamp(made[name]).timestamp()
    return made


def topic_request(properties: Properties) -> Json:
    """CreateTopic."""
    fifo = str(properties.get("FifoTopic", False)).lower()
    name = f"{NAMED_BY_STACK}.fifo" if fifo == "true" else NAMED_BY_STACK
    attributes = {"FifoTopic": "true"} if fifo == "true" else {}
    return {"Name": properties.get("TopicName", name), "Attributes": attributes}


def subscription_request(properties: Properties) -> Json:
    """Subscribe."""
    made = named("TopicArn", "Protocol", "Endpoint")(properties)
    names = ("FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy")
    attributes = {name: text_of(properties[name]) for name in names if name in properties}
    return {**made, "Attributes": attributes}

"""What a service would refuse of a resource is refused when a stack is to make or change it."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.utils import parse_timestamp
from ministack.core.responses import get_region

from localaws.admission import policies
from localaws.admission.gate import check
from localaws.admission.reading import Call
from localaws.cloudformation.resource_calls import typed
from localaws.cloudformation.schemas import property_problems
from localaws.errors import AwsError
from localaws.ministack.admission import MiniStackAccount

Properties = Mapping[str, Any]
Json = dict[str, Any]
Check = Callable[[Properties, MiniStackAccount], None]
NAMED_BY_STACK = "generated"
"""Stands for a name that CloudFormation makes up where the template leaves it out."""


def admit(kind: str, logical_id: str, properties: Properties) -> None:
    """Refuse what the schema or the service's own rules do not allow.

    Raises
    ------
    ValueError
    """
    problems = property_problems(kind, get_region(), properties)
    if problems:
        raise ValueError(failed_properties(logical_id, problems))
    service = kind.split("::")[1]
    try:
        for checked in _CHECKS.get(kind, ()):
            checked(properties, MiniStackAccount())
    except AwsError as error:
        raise ValueError(
            f"{error.message} (Service: {service}, Status Code: {error.status},"
            f" Error Code: {error.code})"
        ) from error


def failed_properties(logical_id: str, problems: list[str]) -> str:
    """The reason that names the properties which break their schema."""
    shown = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
    return f"Properties validation failed for resource {logical_id} with message:\n{shown}"


def _document(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


# IAM, KMS and the policies of resources


def _trust(properties: Properties, account: MiniStackAccount) -> None:
    policies.check_trust_policy(_document(properties["AssumeRolePolicyDocument"]), account)


def _own_policies(kind: str) -> Check:
    """The inline and attached policies of a role, user or group, and its boundary."""

    def checked(properties: Properties, account: MiniStackAccount) -> None:
        size = 0
        for policy in properties.get("Policies", ()):
            document = _document(policy["PolicyDocument"])
            size += policies.size(document)
            policies.check_inline_size(kind, properties.get(f"{kind}Name", kind), size)
            policies.check_identity_policy(document)
        attached = list(properties.get("ManagedPolicyArns", ()))
        for arn in [*attached, properties.get("PermissionsBoundary")]:
            if arn:
                policies.check_managed_exists(arn, account)
        policies.check_attached(kind, len(set(attached)))

    return checked


def _managed(properties: Properties, account: MiniStackAccount) -> None:
    policies.check_managed_policy(_document(properties["PolicyDocument"]))


def _inline(properties: Properties, account: MiniStackAccount) -> None:
    document = _document(properties["PolicyDocument"])
    policies.check_identity_policy(document)
    for kind, name in _owners(properties):
        policies.check_inline_policy(kind, name, properties["PolicyName"], document, account)


def _owners(properties: Properties) -> Iterator[tuple[str, str]]:
    for kind in ("Role", "User", "Group"):
        names = properties.get(f"{kind}s", ())
        for name in [*names, *([properties[f"{kind}Name"]] if f"{kind}Name" in properties else [])]:
            yield kind, name


def _roles_exist(properties: Properties, account: MiniStackAccount) -> None:
    for name in properties.get("Roles", ()):
        if account.owner("Role", name) is None:
            raise AwsError("NoSuchEntity", f"The role with name {name} cannot be found.", 404)


def _bucket_policy(properties: Properties, account: MiniStackAccount) -> None:
    _known("bucket", properties["Bucket"], "NoSuchBucket", account)
    document = _document(properties["PolicyDocument"])
    policies.check_bucket_policy(properties["Bucket"], document, account)


def _key_policy(properties: Properties, account: MiniStackAccount) -> None:
    if "KeyPolicy" in properties:
        passed_over = str(properties.get("BypassPolicyLockoutSafetyCheck", False)).lower()
        document = _document(properties["KeyPolicy"])
        policies.check_key_policy(document, account, may_lock_out=passed_over == "true")


def _topic_policy(properties: Properties, account: MiniStackAccount) -> None:
    document = _document(properties["PolicyDocument"])
    policies.check_resource_policy(document, account, "InvalidParameter")
    for arn in properties["Topics"]:
        _known("topic", arn, "NotFound", account)


def _known(kind: str, name: str, code: str, account: MiniStackAccount) -> None:
    if account.record(kind, name) is None:
        raise AwsError(code, f"The {kind} {name} does not exist", 404)


# Resources whose properties are the members of a request


def _as_request(service: str, operation: str, made: Callable[[Properties], Json]) -> Check:
    """What the service refuses of the request that ``made`` makes of the properties."""

    def checked(properties: Properties, account: MiniStackAccount) -> None:
        call = Call(service, operation, made(properties))
        if call.shape is not None:
            check(Call(service, operation, typed(call.parameters, call.shape)), account)

    return checked


def _named(name: str, *others: str) -> Callable[[Properties], Json]:
    """The properties of these names, and the one that names the resource."""

    def made(properties: Properties) -> Json:
        picked = {other: properties[other] for other in others if other in properties}
        return {name: properties.get(name, NAMED_BY_STACK), **picked}

    return made


def _all(name: str) -> Callable[[Properties], Json]:
    return lambda properties: {name: NAMED_BY_STACK, **properties, "Tags": []}


def _lower(name: str) -> Callable[[Properties], Json]:
    """All members with small first letters, as CloudWatch Logs has them."""

    def made(properties: Properties) -> Json:
        lowered: Json = _lowered({name: NAMED_BY_STACK, **properties})
        for transformation in lowered.get("metricTransformations", ()):
            pairs = transformation.get("dimensions")
            if pairs:
                transformation["dimensions"] = {pair["key"]: pair["value"] for pair in pairs}
        return {member: value for member, value in lowered.items() if member != "tags"}

    return made


def _lowered(value: Any) -> Any:
    if isinstance(value, list):
        return [_lowered(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {name[:1].lower() + name[1:]: _lowered(member) for name, member in value.items()}


def _function(properties: Properties) -> Json:
    made = _named("FunctionName", "Role", "Handler", "Runtime", "MemorySize", "Timeout",
                  "Environment", "PackageType", "EphemeralStorage")(properties)  # fmt: skip
    code = {k: v for k, v in properties["Code"].items() if k in ("S3Bucket", "S3Key")}
    return {**made, "Code": code}


def _permission(properties: Properties, account: MiniStackAccount) -> None:
    name = re.sub(r"^arn:.*?:function:", "", properties["FunctionName"]).partition(":")[0]
    if account.record("function", name) is None:
        raise AwsError("ResourceNotFoundException", f"Function not found: {name}", 404)


def _machine(properties: Properties) -> Json:
    made = {"name": NAMED_BY_STACK, "roleArn": properties["RoleArn"]}
    text = properties.get("DefinitionString")
    if text is None and "Definition" in properties:
        text = json.dumps(properties["Definition"])
    if text is None:
        return made  # it is in S3
    for name, value in properties.get("DefinitionSubstitutions", {}).items():
        text = text.replace(f"${{{name}}}", str(value))
    return {**made, "definition": text}


def _rule(properties: Properties) -> Json:
    made = _named("Name", "ScheduleExpression", "EventBusName", "State")(properties)
    pattern = properties.get("EventPattern")
    return {**made, "EventPattern": _document(pattern)} if pattern is not None else made


def _targets(properties: Properties) -> Json:
    targets = [
        {k: v for k, v in target.items() if k in ("Id", "Arn", "RoleArn", "Input", "InputPath")}
        for target in properties.get("Targets", ())
    ]
    return {"Rule": NAMED_BY_STACK, "Targets": targets or [{"Id": "none", "Arn": "arn:none"}]}


def _schedule(properties: Properties) -> Json:
    made = {"Name": NAMED_BY_STACK, **properties}
    for name in ("StartDate", "EndDate"):
        if name in made:
            made[name] = parse_timestamp(made[name]).timestamp()
    return made


def _topic(properties: Properties) -> Json:
    fifo = str(properties.get("FifoTopic", False)).lower()
    name = f"{NAMED_BY_STACK}.fifo" if fifo == "true" else NAMED_BY_STACK
    attributes = {"FifoTopic": "true"} if fifo == "true" else {}
    return {"Name": properties.get("TopicName", name), "Attributes": attributes}


def _subscription(properties: Properties) -> Json:
    made = _named("TopicArn", "Protocol", "Endpoint")(properties)
    names = ("FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy")
    attributes = {name: _document(properties[name]) for name in names if name in properties}
    return {**made, "Attributes": attributes}


def _subscribed(properties: Properties, account: MiniStackAccount) -> None:
    _known("topic", properties["TopicArn"], "NotFound", account)


_INLINE_POLICY = (_inline,)
_CHECKS: Mapping[str, tuple[Check, ...]] = {
    "AWS::CloudWatch::Alarm": (_as_request("cloudwatch", "PutMetricAlarm", _all("AlarmName")),),
    "AWS::CloudWatch::Dashboard": (
        _as_request("cloudwatch", "PutDashboard", _named("DashboardName", "DashboardBody")),
    ),
    "AWS::DynamoDB::Table": (
        _as_request(
            "dynamodb",
            "CreateTable",
            _named(
                "TableName",
                "KeySchema",
                "AttributeDefinitions",
                "BillingMode",
                "ProvisionedThroughput",
                "GlobalSecondaryIndexes",
                "LocalSecondaryIndexes",
            ),
        ),
    ),
    "AWS::Events::Rule": (
        _as_request("events", "PutRule", _rule),
        _as_request("events", "PutTargets", _targets),
    ),
    "AWS::IAM::Group": (_own_policies("Group"),),
    "AWS::IAM::GroupPolicy": _INLINE_POLICY,
    "AWS::IAM::InstanceProfile": (_roles_exist,),
    "AWS::IAM::ManagedPolicy": (_managed,),
    "AWS::IAM::Policy": _INLINE_POLICY,
    "AWS::IAM::Role": (_trust, _own_policies("Role")),
    "AWS::IAM::RolePolicy": _INLINE_POLICY,
    "AWS::IAM::User": (_own_policies("User"),),
    "AWS::IAM::UserPolicy": _INLINE_POLICY,
    "AWS::KMS::Alias": (_as_request("kms", "CreateAlias", _all("AliasName")),),
    "AWS::KMS::Key": (
        _key_policy,
        _as_request("kms", "CreateKey", _named("Description", "KeySpec", "KeyUsage")),
    ),
    "AWS::Lambda::EventSourceMapping": (
        _as_request(
            "lambda",
            "CreateEventSourceMapping",
            _named(
                "FunctionName",
                "EventSourceArn",
                "StartingPosition",
            ),
        ),
    ),
    "AWS::Lambda::Function": (_as_request("lambda", "CreateFunction", _function),),
    "AWS::Lambda::Permission": (
        _as_request(
            "lambda",
            "AddPermission",
            _named(
                "StatementId",
                "FunctionName",
                "Action",
                "Principal",
            ),
        ),
        _permission,
    ),
    "AWS::Logs::LogGroup": (_as_request("logs", "CreateLogGroup", _lower("LogGroupName")),),
    "AWS::Logs::MetricFilter": (_as_request("logs", "PutMetricFilter", _lower("FilterName")),),
    "AWS::Logs::SubscriptionFilter": (
        _as_request("logs", "PutSubscriptionFilter", _lower("FilterName")),
    ),
    "AWS::S3::BucketPolicy": (_bucket_policy,),
    "AWS::SNS::Subscription": (_as_request("sns", "Subscribe", _subscription), _subscribed),
    "AWS::SNS::Topic": (_as_request("sns", "CreateTopic", _topic),),
    "AWS::SNS::TopicPolicy": (_topic_policy,),
    "AWS::SSM::Parameter": (
        _as_request(
            "ssm",
            "PutParameter",
            _named(
                "Name",
                "Type",
                "Value",
                "AllowedPattern",
                "DataType",
                "Policies",
                "Tier",
            ),
        ),
    ),
    "AWS::Scheduler::Schedule": (_as_request("scheduler", "CreateSchedule", _schedule),),
    "AWS::StepFunctions::StateMachine": (
        _as_request("stepfunctions", "CreateStateMachine", _machine),
    ),
}

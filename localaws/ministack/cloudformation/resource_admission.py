"""What a service would refuse of a resource is refused when a stack is to make or change it."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ministack.core.responses import get_region

from localaws.admission import policies
from localaws.admission.gate import check
from localaws.admission.reading import Call
from localaws.cloudformation.resource_calls import typed
from localaws.cloudformation.schemas import property_problems
from localaws.errors import AwsError
from localaws.ministack.admission import MiniStackAccount
from localaws.ministack.cloudformation.resource_requests import (
    function_request,
    lowered,
    machine_request,
    named,
    rule_request,
    schedule_request,
    subscription_request,
    targets_request,
    text_of,
    topic_request,
    whole,
)

Properties = Mapping[str, Any]
Json = dict[str, Any]
Check = Callable[[Properties, MiniStackAccount], None]


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


# IAM, KMS and the policies of resources


def _trust(properties: Properties, account: MiniStackAccount) -> None:
    policies.check_trust_policy(text_of(properties["AssumeRolePolicyDocument"]), account)


def _own_policies(kind: str) -> Check:
    """The inline and attached policies of a role, user or group, and its boundary."""

    def checked(properties: Properties, account: MiniStackAccount) -> None:
        size = 0
        for policy in properties.get("Policies", ()):
            document = text_of(policy["PolicyDocument"])
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
    policies.check_managed_policy(text_of(properties["PolicyDocument"]))


def _inline(properties: Properties, account: MiniStackAccount) -> None:
    document = text_of(properties["PolicyDocument"])
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
    document = text_of(properties["PolicyDocument"])
    policies.check_bucket_policy(properties["Bucket"], document, account)


def _bucket(properties: Properties, account: MiniStackAccount) -> None:
    for rule in properties.get("LifecycleConfiguration", {}).get("Rules", ()):
        if not any(name.startswith(_LIFECYCLE_ACTIONS) for name in rule):
            raise AwsError("InvalidRequest", "At least one action needs to be specified in a rule")
    encryption = properties.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", ())
    for rule in encryption:
        default = rule.get("ServerSideEncryptionByDefault", {})
        if default.get("SSEAlgorithm") == "AES256" and default.get("KMSMasterKeyID"):
            text = "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms"
            raise AwsError("InvalidArgument", text)
    notified = properties.get("NotificationConfiguration", {})
    for entry in notified.get("LambdaConfigurations", ()):
        name = entry["Function"].partition(":function:")[2].partition(":")[0]
        _known("function", name, "InvalidArgument", account)
    for entry in notified.get("TopicConfigurations", ()):
        _known("topic", entry["Topic"], "InvalidArgument", account)


def _key_policy(properties: Properties, account: MiniStackAccount) -> None:
    if "KeyPolicy" in properties:
        passed_over = str(properties.get("BypassPolicyLockoutSafetyCheck", False)).lower()
        document = text_of(properties["KeyPolicy"])
        policies.check_key_policy(document, account, may_lock_out=passed_over == "true")


def _topic_policy(properties: Properties, account: MiniStackAccount) -> None:
    document = text_of(properties["PolicyDocument"])
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


def _permission(properties: Properties, account: MiniStackAccount) -> None:
    name = re.sub(r"^arn:.*?:function:", "", properties["FunctionName"]).partition(":")[0]
    if account.record("function", name) is None:
        raise AwsError("ResourceNotFoundException", f"Function not found: {name}", 404)


def _subscribed(properties: Properties, account: MiniStackAccount) -> None:
    _known("topic", properties["TopicArn"], "NotFound", account)


_LIFECYCLE_ACTIONS = (
    "AbortIncompleteMultipartUpload",
    "Expir",
    "Noncurrent",
    "Transition",
)
_INLINE_POLICY = (_inline,)
_CHECKS: Mapping[str, tuple[Check, ...]] = {
    "AWS::CloudWatch::Alarm": (_as_request("cloudwatch", "PutMetricAlarm", whole("AlarmName")),),
    "AWS::CloudWatch::Dashboard": (
        _as_request("cloudwatch", "PutDashboard", named("DashboardName", "DashboardBody")),
    ),
    "AWS::DynamoDB::Table": (
        _as_request(
            "dynamodb",
            "CreateTable",
            named(
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
        _as_request("events", "PutRule", rule_request),
        _as_request("events", "PutTargets", targets_request),
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
    "AWS::KMS::Alias": (_as_request("kms", "CreateAlias", whole("AliasName")),),
    "AWS::KMS::Key": (
        _key_policy,
        _as_request("kms", "CreateKey", named("Description", "KeySpec", "KeyUsage")),
    ),
    "AWS::Lambda::EventSourceMapping": (
        _as_request(
            "lambda",
            "CreateEventSourceMapping",
            named(
                "FunctionName",
                "EventSourceArn",
                "StartingPosition",
            ),
        ),
    ),
    "AWS::Lambda::Function": (_as_request("lambda", "CreateFunction", function_request),),
    "AWS::Lambda::Permission": (
        _as_request(
            "lambda",
            "AddPermission",
            named(
                "StatementId",
                "FunctionName",
                "Action",
                "Principal",
            ),
        ),
        _permission,
    ),
    "AWS::Logs::LogGroup": (_as_request("logs", "CreateLogGroup", lowered("LogGroupName")),),
    "AWS::Logs::MetricFilter": (_as_request("logs", "PutMetricFilter", lowered("FilterName")),),
    "AWS::Logs::SubscriptionFilter": (
        _as_request("logs", "PutSubscriptionFilter", lowered("FilterName")),
    ),
    "AWS::S3::Bucket": (_bucket,),
    "AWS::S3::BucketPolicy": (_bucket_policy,),
    "AWS::SNS::Subscription": (_as_request("sns", "Subscribe", subscription_request), _subscribed),
    "AWS::SNS::Topic": (_as_request("sns", "CreateTopic", topic_request),),
    "AWS::SNS::TopicPolicy": (_topic_policy,),
    "AWS::SSM::Parameter": (
        _as_request(
            "ssm",
            "PutParameter",
            named(
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
    "AWS::Scheduler::Schedule": (_as_request("scheduler", "CreateSchedule", schedule_request),),
    "AWS::StepFunctions::StateMachine": (
        _as_request("stepfunctions", "CreateStateMachine", machine_request),
    ),
}

"""Names that resources of a stack cannot have, because somebody has them."""

from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import cloudwatch, iam
from ministack.services.cloudformation import changesets, provisioners

from localaws.ministack.admission import MiniStackAccount

Properties = Mapping[str, Any]


def _iam(kind: str) -> Callable[[str], bool]:
    """IAM does not tell names apart by case."""
    return lambda name: MiniStackAccount().is_taken(kind, name)


_NAMES: Mapping[str, tuple[str, Callable[[str], bool]]] = {
    "AWS::CloudWatch::Alarm": ("AlarmName", lambda name: name in cloudwatch._alarms),
    "AWS::CloudWatch::CompositeAlarm": (
        "AlarmName",
        lambda name: name in cloudwatch._composite_alarms,
    ),
    "AWS::CloudWatch::Dashboard": ("DashboardName", lambda name: name in cloudwatch._dashboards),
    "AWS::ECR::Repository": ("RepositoryName", lambda name: name in _ecr()._repositories),
    "AWS::IAM::Group": ("GroupName", _iam("Group")),
    "AWS::IAM::InstanceProfile": (
        "InstanceProfileName",
        lambda name: name in iam._instance_profiles,
    ),
    "AWS::IAM::ManagedPolicy": ("ManagedPolicyName", _iam("Policy")),
    "AWS::IAM::Role": ("RoleName", _iam("Role")),
    "AWS::IAM::User": ("UserName", _iam("User")),
    "AWS::SNS::Topic": ("TopicName", lambda name: _has_topic(name)),
}
"""The property that names a resource, and whether the name is taken; MiniStack knows further."""


def taken_name(resource_type: str, properties: Properties) -> str | None:
    """Why a resource cannot have its name; None when it can, or is to be named by the stack."""
    if resource_type == "AWS::S3::Bucket":
        bucket = properties.get("BucketName")
        conflict = isinstance(bucket, str) and provisioners.s3_bucket_name_conflict(bucket)
        return conflict or None
    name_property, is_taken = _NAMES.get(resource_type, ("", lambda name: False))
    if name_property:
        name = properties.get(name_property)
        taken = isinstance(name, str) and is_taken(name)
    elif resource_type in changesets._IMPORT_LOOKUPS:
        keys, problem = changesets._IMPORT_LOOKUPS[resource_type]
        if len(keys) != 1 or keys[0].endswith(("Id", "Url", "Arn")):
            return None
        name = properties.get(keys[0])
        taken = isinstance(name, str) and bool(name) and problem(name) is None
    else:
        return None
    if not taken:
        return None
    return (
        f"Resource of type '{resource_type}' with identifier '{name}' already exists."
        " (HandlerErrorCode: AlreadyExists)"
    )


def _ecr() -> Any:
    from ministack.services import ecr

    return ecr


def _has_topic(name: str) -> bool:
    from ministack.services import sns

    return any(arn.endswith(f":{name}") for arn in sns._topics)

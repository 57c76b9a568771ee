"""What a caller must be allowed for each SageMaker operation.

Actions, resources and condition keys as in the Service Authorization Reference:
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from iam_policy.model import ContextValue
from localaws.backend import Scope
from localaws.sagemaker.resources import Request, arn

# The kinds of resource that an operation's request names: (ARN kind, request member).
NAMED_RESOURCES = (
    ("model", "ModelName"),
    ("endpoint-config", "EndpointConfigName"),
    ("endpoint", "EndpointName"),
    ("training-job", "TrainingJobName"),
    ("transform-job", "TransformJobName"),
    ("hyper-parameter-tuning-job", "HyperParameterTuningJobName"),
)
# CreateTransformJob names a model and CreateTrainingJob none; only these need two permissions.
TWO_RESOURCES = frozenset({"CreateEndpoint", "UpdateEndpoint"})
LISTS_OF_ONE = frozenset({"ListTrainingJobsForHyperParameterTuningJob"})
"""Operations that list what belongs to one resource."""
ROLE_MEMBERS = ("ExecutionRoleArn", "RoleArn")
PASSED_TO = "sagemaker.amazonaws.com"


@dataclass(frozen=True)
class Authorization:
    """One permission that a request needs."""

    action: str
    resource_arn: str
    context: Mapping[str, ContextValue] = field(default_factory=dict)


TagsOf = Callable[[str], Mapping[str, str]]
"""The tags of the resource with an ARN."""


def sagemaker_authorizations(
    scope: Scope, operation: str, request: Request, tags_of: TagsOf
) -> list[Authorization]:
    """The permissions for one SageMaker request.

    Besides the operation itself: ``iam:PassRole`` for the role that the request names, and
    ``sagemaker:AddTags`` for the tags that a Create request brings.
    """
    context = _tag_context(request) | _instance_types(request)
    needed = [
        Authorization(
            f"sagemaker:{operation}", resource, context | _resource_tags(resource, tags_of)
        )
        for resource in _resources(scope, operation, request)
    ]
    if operation.startswith("Create") and isinstance(request.get("Tags"), list):
        needed.append(Authorization("sagemaker:AddTags", needed[0].resource_arn, context))
    needed += [
        Authorization("iam:PassRole", holder[member], {"iam:PassedToService": PASSED_TO})
        for holder in (request, _definition(request))
        for member in ROLE_MEMBERS
        if isinstance(holder.get(member), str)
    ]
    return needed


def _resources(scope: Scope, operation: str, request: Request) -> list[str]:
    if isinstance(request.get("ResourceArn"), str):
        return [request["ResourceArn"]]
    if operation.startswith("List") and operation not in LISTS_OF_ONE:
        return ["*"]
    named = {
        kind: arn(scope, kind, request[member])
        for kind, member in NAMED_RESOURCES
        if isinstance(request.get(member), str)
    }
    own_kind = _kind_of(operation)
    if operation in TWO_RESOURCES:
        return [named[kind] for kind in ("endpoint", "endpoint-config") if kind in named] or ["*"]
    return [named.get(own_kind, "*")]


def _kind_of(operation: str) -> str:
    """The kind that an operation's name ends in: the longest that fits."""
    endings = {member.removesuffix("Name"): kind for kind, member in NAMED_RESOURCES}
    matching = [ending for ending in endings if ending in operation]
    return endings[max(matching, key=len)] if matching else ""


def _tag_context(request: Request) -> dict[str, ContextValue]:
    tags, keys = request.get("Tags"), request.get("TagKeys")
    if isinstance(keys, list):
        return {"aws:TagKeys": tuple(map(str, keys))}
    if not isinstance(tags, list):
        return {}
    values = {str(tag.get("Key")): str(tag.get("Value")) for tag in tags if isinstance(tag, dict)}
    context: dict[str, ContextValue] = {
        f"aws:RequestTag/{key}": value for key, value in values.items()
    }
    context["aws:TagKeys"] = tuple(values)
    return context


def _resource_tags(resource: str, tags_of: TagsOf) -> dict[str, ContextValue]:
    return {
        f"{prefix}:ResourceTag/{key}": value
        for key, value in tags_of(resource).items()
        for prefix in ("aws", "sagemaker")
    }


def _definition(request: Request) -> dict[str, Any]:
    """What a tuning job says of its training jobs."""
    definition = request.get("TrainingJobDefinition")
    return definition if isinstance(definition, dict) else {}


def _instance_types(request: Request) -> dict[str, ContextValue]:
    """sagemaker:InstanceTypes of an endpoint config or a job."""
    variants, definition = request.get("ProductionVariants"), _definition(request)
    holders = [
        *(variants if isinstance(variants, list) else []),
        request.get("ResourceConfig"),
        definition.get("ResourceConfig"),
        definition.get("HyperParameterTuningResourceConfig"),
    ]
    types = tuple(
        str(holder["InstanceType"])
        for holder in holders
        if isinstance(holder, dict) and "InstanceType" in holder
    )
    return {"sagemaker:InstanceTypes": types} if types else {}

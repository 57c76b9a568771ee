"""The names under which targets, policies and actions are kept, and what they have in common."""

from typing import Any

from localaws.backend import Scope
from localaws.errors import AwsError
from localaws.sagemaker.resources import Request, ResourceFamily, Response
from localaws.sagemaker.store import ResourceStore

TARGET = "scalable-target"
POLICY = "scaling-policy"
SCHEDULED_ACTION = "scheduled-action"
DEFAULT_PAGE = 50


def target_name(request: Request) -> str:
    """The name of a scalable target: resource, dimension and service."""
    return f"{request['ResourceId']}|{request['ScalableDimension']}|{request['ServiceNamespace']}"


def policy_name(request: Request) -> str:
    """The name of a scaling policy: its target's and its own."""
    return f"{target_name(request)}|{request['PolicyName']}"


def scheduled_action_name(request: Request) -> str:
    """The name of a scheduled action: its target's and its own."""
    return f"{target_name(request)}|{request['ScheduledActionName']}"


def target_of(store: ResourceStore, scope: Scope, request: Request) -> dict[str, Any]:
    """The scalable target that a request names.

    Raises
    ------
    AwsError
        There is none.
    """
    target = store.get(TARGET, scope, target_name(request))
    if target is None:
        raise AwsError(
            "ObjectNotFoundException", f"No scalable target found for {described(request)}"
        )
    return target


def described(request: Request) -> str:
    """A target in words."""
    return (
        f"service namespace: {request['ServiceNamespace']}, resource ID: {request['ResourceId']}, "
        f"scalable dimension: {request['ScalableDimension']}"
    )


def concerns(resource: dict[str, Any], request: Request) -> bool:
    """Whether a Describe request asks for a resource, by service and dimension."""
    return resource["ServiceNamespace"] == request["ServiceNamespace"] and request.get(
        "ScalableDimension"
    ) in (None, resource["ScalableDimension"])


def page(member: str, found: list[dict[str, Any]], request: Request) -> Response:
    """One page of what a Describe request asks for.

    Raises
    ------
    AwsError
        The token is none of ours.
    """
    token = request.get("NextToken", "0")
    if not token.isdecimal():
        raise AwsError("InvalidNextTokenException", "The specified next token is invalid")
    start = int(token)
    end = start + request.get("MaxResults", DEFAULT_PAGE)
    following = {"NextToken": str(end)} if end < len(found) else {}
    return {member: found[start:end], **following}


def scaled_variants(store: ResourceStore, scope: Scope, endpoint_name: str) -> set[str]:
    """The variants of an endpoint that are registered as scalable targets."""
    prefix = f"endpoint/{endpoint_name}/variant/".lower()
    return {
        target["ResourceId"].rpartition("/")[2]
        for target in store.list(TARGET, scope)
        if target["ResourceId"].lower().startswith(prefix)
    }


KIND = "scalable-target-tags"
MAXIMUM_TAGS = 50


class ScalableTargetTags(ResourceFamily):
    """TagResource, UntagResource and ListTagsForResource."""

    def __init__(self, store: ResourceStore) -> None:
        self._store = store

    def tag_resource(self, scope: Scope, request: Request) -> Response:
        tags = self._tags(scope, request) | request["Tags"]
        if len(tags) > MAXIMUM_TAGS:
            raise AwsError(
                "TooManyTagsException",
                f"A scalable target can have {MAXIMUM_TAGS} tags, not {len(tags)}.",
            )
        self._store.put(KIND, scope, request["ResourceARN"], tags)
        return {}

    def untag_resource(self, scope: Scope, request: Request) -> Response:
        tags = self._tags(scope, request)
        left = {key: value for key, value in tags.items() if key not in request["TagKeys"]}
        self._store.put(KIND, scope, request["ResourceARN"], left)
        return {}

    def list_tags_for_resource(self, scope: Scope, request: Request) -> Response:
        return {"Tags": self._tags(scope, request)}

    def forget(self, scope: Scope, target_arn: str) -> None:
        """Drop the tags of a target that is gone."""
        self._store.delete(KIND, scope, target_arn)

    def _tags(self, scope: Scope, request: Request) -> dict[str, str]:
        arn = request["ResourceARN"]
        if all(target["ScalableTargetARN"] != arn for target in self._store.list(TARGET, scope)):
            raise AwsError("ResourceNotFoundException", f"There is no scalable target {arn}")
        return self._store.get(KIND, scope, arn) or {}

"""The names under which scalable targets and policies are kept, and the targets' tags."""

from localaws.backend import Scope
from localaws.errors import AwsError
from localaws.sagemaker.resources import Request, ResourceFamily, Response
from localaws.sagemaker.store import ResourceStore

TARGET = "scalable-target"
POLICY = "scaling-policy"


def target_name(request: Request) -> str:
    """The name of a scalable target: resource, dimension and service."""
    return f"{request['ResourceId']}|{request['ScalableDimension']}|{request['ServiceNamespace']}"


def policy_name(request: Request) -> str:
    """The name of a scaling policy: its target's and its own."""
    return f"{target_name(request)}|{request['PolicyName']}"


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

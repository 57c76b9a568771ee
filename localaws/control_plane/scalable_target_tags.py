"""Tags of scalable targets, by their ARNs."""

from localaws.backend import Scope
from localaws.control_plane.resources import Request, ResourceFamily, Response
from localaws.control_plane.scalable_targets import TARGET
from localaws.control_plane.store import ResourceStore
from localaws.errors import AwsError

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

"""Tags of SageMaker resources."""

from collections.abc import Mapping, Sequence

from localaws.backend import Scope
from localaws.sagemaker.resources import Request, ResourceFamily, Response, validation_exception
from localaws.sagemaker.store import ResourceStore

KIND = "tags"
MAXIMUM_TAGS = 50
TAGGED = ("endpoint", "endpoint-config", "hyper-parameter-tuning-job", "model", "training-job",
          "transform-job")  # fmt: skip


class Tags(ResourceFamily):
    """AddTags, ListTags and DeleteTags; tags are kept by the ARN of their resource.

    ``ListTags`` of a resource without tags answers an empty list.
    """

    def __init__(self, store: ResourceStore) -> None:
        self._store = store

    def add_tags(self, scope: Scope, request: Request) -> Response:
        self._check_exists(scope, request["ResourceArn"])
        return self._add(scope, request)

    def _add(self, scope: Scope, request: Request) -> Response:
        arn = request["ResourceArn"]
        tags = self.of(scope, arn) | {tag["Key"]: tag["Value"] for tag in request["Tags"]}
        if len(tags) > MAXIMUM_TAGS:
            raise validation_exception(f"A resource can have {MAXIMUM_TAGS} tags, not {len(tags)}.")
        self._store.put(KIND, scope, arn, tags)
        return {"Tags": _as_list(tags)}

    def list_tags(self, scope: Scope, request: Request) -> Response:
        self._check_exists(scope, request["ResourceArn"])
        return {"Tags": _as_list(self.of(scope, request["ResourceArn"]))}

    def delete_tags(self, scope: Scope, request: Request) -> Response:
        tags = self.of(scope, request["ResourceArn"])
        left = {key: value for key, value in tags.items() if key not in request["TagKeys"]}
        self._store.put(KIND, scope, request["ResourceArn"], left)
        return {}

    def of(self, scope: Scope, arn: str) -> dict[str, str]:
        """The tags of a resource, by key."""
        return self._store.get(KIND, scope, arn) or {}

    def create(self, scope: Scope, arn: str, request: Request) -> None:
        """Keep the Tags of a Create request."""
        if request.get("Tags"):
            self._add(scope, {"ResourceArn": arn, "Tags": request["Tags"]})

    def _check_exists(self, scope: Scope, arn: str) -> None:
        kind, _, name = arn.rpartition(":")[2].partition("/")
        names = {name, name.lower()}
        if kind in TAGGED and not any(self._store.get(kind, scope, each) for each in names):
            raise validation_exception(f'Could not find {kind} "{arn}".')

    def forget(self, scope: Scope, arn: str) -> None:
        """Drop the tags of a resource that is gone."""
        self._store.delete(KIND, scope, arn)


def check_tags(tags: Sequence[Mapping[str, str]]) -> None:
    """Refuse the tags of a request that no resource may have, before anything is made.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Tag.html

    Raises
    ------
    AwsError
    """
    keys = [tag["Key"] for tag in tags]
    if len(set(keys)) < len(keys):
        raise validation_exception(
            "Duplicate tag keys found. Please note that Tag keys are case insensitive."
        )
    if len(keys) > MAXIMUM_TAGS:
        raise validation_exception(f"A resource can have {MAXIMUM_TAGS} tags, not {len(keys)}.")
    for key in keys:
        if key.lower().startswith("aws:") and not key.startswith("aws:cloudformation:"):
            raise validation_exception(
                "aws: prefixed tag key names are not allowed for external use."
            )


def _as_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]

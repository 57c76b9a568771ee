"""Objects of the model store with all their versions: found, and deleted for good."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from fleet.errors import HousingError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

OBJECTS_PER_DELETE = 1000


class RemovalError(HousingError):
    """Something could not be removed; one line."""


def object_versions(
    s3: "S3Client", bucket: str, prefix: str = "", wanted: Callable[[str], bool] = lambda key: True
) -> Iterator[dict[str, Any]]:
    """Key and version id of every version and delete marker below a prefix."""
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
    for page in pages:
        for item in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
            if wanted(item["Key"]):
                yield {"Key": item["Key"], "VersionId": item["VersionId"]}


def delete_versions(s3: "S3Client", bucket: str, versions: Iterable[Any]) -> int:
    """Delete versions for good; how many.

    Raises
    ------
    RemovalError
        For the first that stays.
    """
    waiting = list(versions)
    for begin in range(0, len(waiting), OBJECTS_PER_DELETE):
        objects = waiting[begin : begin + OBJECTS_PER_DELETE]
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
        for error in answer.get("Errors", ()):
            raise RemovalError(f"cannot remove {error.get('Key')}: {error.get('Message')}")
    return len(waiting)

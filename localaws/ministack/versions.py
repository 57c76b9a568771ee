"""Pages of ListObjectVersions that lose nothing while what they list is deleted.

A page begins after the version that ended the last one. MiniStack looks for that version, and skips
its whole key when it is gone meanwhile: a bucket emptied page by page, as boto3's
``bucket.object_versions.delete()`` does it, kept objects.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
"""

from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import s3

Query = Mapping[str, Any]
ListVersions = Callable[[str, Query], Any]


def install() -> None:
    """Put it in MiniStack's place."""
    s3._list_object_versions = with_deleted_markers(s3._list_object_versions)


def with_deleted_markers(list_versions: ListVersions) -> ListVersions:
    """Where the marker's version is gone, begin with what is left of its key."""

    def listed(bucket: str, query: Query) -> Any:
        key, version = s3._qp(query, "key-marker"), s3._qp(query, "version-id-marker")
        if version and version not in _versions(bucket, key):
            markers = {"key-marker": [_key_before(bucket, key)], "version-id-marker": [""]}
            return list_versions(bucket, {**query, **markers})
        return list_versions(bucket, query)

    return listed


def _versions(bucket: str, key: str) -> set[str]:
    return {version["version_id"] for version in s3._object_versions.get((bucket, key)) or ()}


def _key_before(bucket: str, key: str) -> str:
    """The last key in front of ``key``; empty when it is the first."""
    current = (s3._buckets.get(bucket) or {}).get("objects", {})
    kept = {of for name, of in s3._object_versions if name == bucket}
    return max((other for other in {*current, *kept} if other < key), default="")

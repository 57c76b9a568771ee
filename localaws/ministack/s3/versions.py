"""Versions of objects: none is held in memory, and pages of a list hold each of them once.

MiniStack keeps the bytes of each version in memory until the next start, although they are on disk:
those of the current one as the object's, those of others as files of their own.

A page begins after the version that ended the last one. MiniStack looks for that version, skips its
whole key when it is gone meanwhile, and begins with it again when the bucket keeps no versions.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
"""

from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import s3

from localaws.ministack import patches

Query = Mapping[str, Any]
ListVersions = Callable[[str, Query], Any]


def install() -> None:
    """Put them in MiniStack's place."""
    patches.replace(s3, "_list_object_versions", paging_on)
    patches.replace(s3, "_version_entry_from_record", without_bytes)


def without_bytes(entry: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """An entry as after a start: its bytes are read when they are asked for."""
    return lambda record, version_id, data: entry(record, version_id, None)


def paging_on(list_versions: ListVersions) -> ListVersions:
    """Begin after the marker's key when it has one version at most, else after that version.

    Where the version is gone, begin with what is left of its key.
    """

    def listed(bucket: str, query: Query) -> Any:
        key, version = s3._qp(query, "key-marker"), s3._qp(query, "version-id-marker")
        kept = _versions(bucket, key)
        if not version or version in kept:
            return list_versions(bucket, query)
        begin = _key_before(bucket, key) if kept else key
        markers = {"key-marker": [begin], "version-id-marker": [""]}
        return list_versions(bucket, {**query, **markers})

    return listed


def _versions(bucket: str, key: str) -> set[str]:
    return {version["version_id"] for version in s3._object_versions.get((bucket, key)) or ()}


def _key_before(bucket: str, key: str) -> str:
    """The last key in front of ``key``; empty when it is the first."""
    current = (s3._buckets.get(bucket) or {}).get("objects", {})
    kept = {of for name, of in s3._object_versions if name == bucket}
    return max((other for other in {*current, *kept} if other < key), default="")

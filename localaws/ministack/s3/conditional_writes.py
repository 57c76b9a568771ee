"""``If-Match`` and ``If-None-Match`` of CopyObject, and the policy keys of conditional writes.

MiniStack's S3 honours both headers for PutObject and CompleteMultipartUpload, and ignores them for
a copy, which then overwrites what it must not.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html and
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ministack.core import iam_actions
from ministack.services import s3

from localaws.ministack import patches
from localaws.ministack.s3.object_files import ObjectFiles, same_bytes

Copy = Callable[[str, str, Mapping[str, str]], Any]
CONDITIONS = ("if-match", "if-none-match")


def install(files: ObjectFiles) -> None:
    """Put them in MiniStack's place; a copy is a second name of its source's file."""
    patches.replace(s3, "_copy_object", lambda copy: checking_destination(copy, files))
    patches.replace(iam_actions, "s3_service_context", with_conditions)


def checking_destination(copy: Copy, files: ObjectFiles) -> Copy:
    """Refuse a copy whose condition on the destination does not hold."""

    def checked(bucket: str, key: str, headers: Mapping[str, str]) -> Any:
        objects = (s3._ensure_bucket(bucket) or {}).get("objects", {})
        refused = s3._check_put_preconditions(headers, objects.get(key))
        if refused is not None:
            return refused
        token = same_bytes.set(_file_of(headers.get("x-amz-copy-source", ""), files))
        try:
            return copy(bucket, key, headers)
        finally:
            same_bytes.reset(token)

    return checked


def _file_of(copy_source: str, files: ObjectFiles) -> Path | None:
    """The file of the current version of an object."""
    name, _, version = copy_source.lstrip("/").partition("?")
    bucket, _, key = unquote(name).partition("/")
    return None if version else files.path(bucket, key)


def with_conditions(context: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Add ``s3:if-match``, ``s3:if-none-match`` and ``s3:ObjectCreationOperation`` of a write."""

    def extended(
        action: str,
        query: Mapping[str, Any] | None,
        path: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        keys = context(action, query, path, headers)
        if action != "s3:PutObject":
            return keys
        sent = headers or {}
        conditions = {f"s3:{name}": sent[name] for name in CONDITIONS if name in sent}
        return {**keys, **conditions, "s3:ObjectCreationOperation": _creates(query or {})}

    return extended


def _creates(query: Mapping[str, Any]) -> bool:
    """Whether an object is there afterwards: not so for a new upload and for its parts."""
    return not {"uploads", "partNumber"} & query.keys()

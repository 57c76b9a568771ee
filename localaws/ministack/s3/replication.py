"""Replication of S3 objects, for all that MiniStack copies only where it was put in one piece.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-what-is-isnot-replicated.html
"""

from collections.abc import Callable, MutableMapping
from typing import Any

from ministack.services import s3

from localaws.ministack import patches

KEY_HEADER = "x-amz-server-side-encryption-aws-kms-key-id"
NOTED = ("replication_status", "_replica")
"""What MiniStack's replication leaves in the record of an object."""

Write = Callable[..., Any]


def install() -> None:
    """Replicate copies and uploads in parts too, each replica under the key that its rule names."""
    patches.replace(s3, "_maybe_replicate", _with_own_key)
    for name in ("_copy_object", "_complete_multipart_upload"):
        patches.replace(s3, name, _replicating)


def _with_own_key(replicate: Callable[..., None]) -> Callable[..., None]:
    def replicated(
        bucket: str, key: str, record: MutableMapping[str, Any], data: Any, tags: Any = None
    ) -> None:
        rule, _ = s3._replication_rule_for(bucket, key, tags)
        destination = (rule or {}).get("Destination") or {}
        own = (destination.get("EncryptionConfiguration") or {}).get("ReplicaKmsKeyID")
        headers = record.get("preserved_headers") or {}
        copied = dict(record)
        if own and KEY_HEADER in headers:
            copied["preserved_headers"] = {**headers, KEY_HEADER: own}
        replicate(bucket, key, copied, data, tags)
        record.update({name: copied[name] for name in NOTED if name in copied})

    return replicated


def _replicating(write: Write) -> Write:
    def written(bucket: str, key: str, *arguments: Any, **named: Any) -> Any:
        answer = write(bucket, key, *arguments, **named)
        record = (s3._ensure_bucket(bucket) or {}).get("objects", {}).get(key)
        if answer[0] == 200 and record is not None and bucket in s3._bucket_replication:
            # With its bytes, which the record itself no longer holds.
            whole = {**record, "body": s3._get_object_data(bucket, key)}
            s3._maybe_replicate(bucket, key, whole, whole["body"])
            record.update({name: whole[name] for name in NOTED if name in whole})
        return answer

    return written

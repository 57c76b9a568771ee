"""What is saved of an S3 object, and MiniStack's record of it, made again at a start."""

import json
from collections.abc import Mapping
from typing import Any

from ministack.core.responses import now_iso
from ministack.services import s3

Known = dict[str, Any]
"""What MiniStack saves of an object or of a delete marker, and the number of its bytes."""
HISTORY = frozenset({"versions", "tags", "acl", "annotations"})


def read_known(text: str) -> Known:
    """What a row holds; nothing when it cannot be read."""
    try:
        known: Any = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(known, dict) or not isinstance(known.get("number"), int | None):
        return {}
    is_whole = bool(known.get("is_delete_marker")) or isinstance(known.get("size"), int)
    return known if is_whole else {}


def damage_of(known: Known, sizes: Mapping[int, int]) -> str | None:
    """What is wrong with an object, given the lengths of all bytes that are there."""
    if not known:
        return "what is known of it cannot be read"
    number = known["number"]
    if known.get("is_delete_marker") or number is None:
        return None
    if number not in sizes:
        return "its bytes are gone"
    if sizes[number] != known["size"]:
        return f"it has {sizes[number]} bytes and not {known['size']}"
    return None


def restore(part: str, key: str, known: Known) -> None:
    """Put an object, or a delete marker, back in its bucket; its bytes stay on disk."""
    account, _, bucket = part.partition("/")
    owner = s3._buckets._data.get((account, bucket))
    if owner is None:  # it was made in the moment before a kill
        owner = {"created": now_iso(), "objects": {}, "region": None}
        s3._buckets._data[account, bucket] = owner
    if known.get("is_delete_marker"):
        s3._load_persisted_delete_marker(account, owner, bucket, key, known)
        return
    record = {
        "body": None,
        "content_type": known["content_type"],
        "content_encoding": known["content_encoding"],
        "etag": known["etag"],
        "last_modified": known["last_modified"],
        "size": known["size"],
        "metadata": known["metadata"],
        "preserved_headers": known["preserved_headers"],
        "storage_class": known["storage_class"],
        "checksums": known["checksums"],
    }
    if known.get("version_id"):
        record["version_id"] = known["version_id"]
    owner["objects"][key] = record
    if not HISTORY.isdisjoint(known):
        s3._load_persisted_history(account, owner, bucket, key, known)

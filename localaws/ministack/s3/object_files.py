"""The two files of an S3 object, its bytes and what is known of them, change together."""

import json
import os
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Any

from ministack.core.responses import get_account_id
from ministack.services import s3

from localaws.files import SIDECAR, replace_together
from localaws.ministack import patches

same_bytes: ContextVar[Path | None] = ContextVar("same_bytes", default=None)
"""A file that holds the bytes of the object that is being put, and that nobody changes."""

BUCKETS = 1024
_real = lru_cache(BUCKETS)(os.path.realpath)


def install() -> None:
    """Put them in the place of MiniStack's: see the table of patches."""
    patches.replace(s3, "_persist_object", lambda _: persist)
    patches.replace(s3, "_key_disk_path", lambda _: disk_path)


def persist(bucket: str, key: str, record: dict[str, Any]) -> None:
    """Write an object; without bytes in the record, only what is known of it.

    Raises
    ------
    OSError
        When the disk does not take it.
    """
    folder = f"{s3.DATA_DIR}/{get_account_id()}/{bucket}"
    path = disk_path(folder, key)
    known = {**s3._object_meta_from_record(record), **s3._key_history_meta(bucket, key), "key": key}
    if not os.path.isdir(os.path.dirname(path)):  # noqa: PTH112, PTH120 - each object comes by here
        Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    body, meta = record.get("body"), json.dumps(known).encode()
    replace_together(Path(path), body, meta, same=same_bytes.get())
    record["body"] = None  # it is on disk now
    own, encoded = _places(folder, key)
    s3._remove_key_files(encoded if path == own else own)


def disk_path(base: str, key: str) -> str:
    """Where a key lies: at its own path, or by an encoded name where no file can be there.

    Below the folder of a bucket there are no links, since nobody else writes there: so that a path
    need not be resolved, which takes a look at each folder above it.
    """
    own, encoded = _places(base, key)
    if own is None:
        return encoded
    if _is_stored(own):
        return own
    if _is_stored(encoded):
        return encoded
    root, parent = _real(base), own.rpartition("/")[0]
    while parent != root:
        if os.path.isfile(parent):  # noqa: PTH113
            return encoded
        parent = parent.rpartition("/")[0]
    return encoded if os.path.isdir(own) else own  # noqa: PTH112


def _places(base: str, key: str) -> tuple[str | None, str]:
    """The key's own path, where it makes one, and that of its encoded name."""
    root = _real(base)
    encoded = f"{root}/{s3._ENCODED_KEYS_DIR}/{s3._encoded_key_name(key)}"
    return (f"{root}/{key}" if s3._plain_path_key(key) else None), encoded


def _is_stored(path: str) -> bool:
    return os.path.isfile(path) or os.path.isfile(path + SIDECAR)  # noqa: PTH113

"""The two files of an S3 object, its bytes and what is known of them, change together."""

import json
import os
from pathlib import Path
from typing import Any

from ministack.core.responses import get_account_id
from ministack.services import s3

from localaws.files import replace_together
from localaws.ministack import patches


def install() -> None:
    """Put it in the place of MiniStack's, which writes one after the other and hides failures."""
    patches.replace(s3, "_persist_object", lambda _: persist)


def persist(bucket: str, key: str, record: dict[str, Any]) -> None:
    """Write an object; without bytes in the record, only what is known of it.

    Raises
    ------
    OSError
        When the disk does not take it.
    """
    path = s3._object_disk_path(bucket, key)
    known = {**s3._object_meta_from_record(record), **s3._key_history_meta(bucket, key), "key": key}
    Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_together(Path(path), record.get("body"), json.dumps(known).encode())
    record["body"] = None  # it is on disk now
    folder = os.path.join(s3.DATA_DIR, get_account_id(), bucket)  # noqa: PTH118 - as MiniStack
    s3._remove_key_files(s3._other_key_disk_path(folder, key, path))

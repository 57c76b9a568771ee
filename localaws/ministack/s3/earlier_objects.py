"""Objects that an earlier version of localaws kept: a file below its bucket, and one beside it.

MiniStack reads those when it is imported. They become what ``object_files.py`` keeps; a kill in
between leaves the old ones, with which the next start begins again.
"""

import shutil
from pathlib import Path

from ministack.core.responses import request_scope
from ministack.services import s3

from localaws.ministack.s3.object_files import ObjectFiles


def adopt(directory: Path, files: ObjectFiles, region: str) -> None:
    """Keep what lies below ``directory`` in ``files``, and remove it there."""
    for account, bucket in list(s3._buckets._data):
        folder = directory / account / bucket
        if not folder.is_dir() or not any(folder.iterdir()):
            continue
        with request_scope(account, region):
            for key, record in s3._buckets[bucket]["objects"].items():
                files.adopt(bucket, key, record, Path(s3._object_disk_path(bucket, key)))
            for of_bucket, key in list(s3._object_versions):
                latest = s3._object_versions[of_bucket, key][-1]
                if of_bucket == bucket and latest.get("is_delete_marker"):
                    hidden = Path(s3._object_disk_path(bucket, key))
                    files.adopt(bucket, key, latest, hidden)
        files.save()
        shutil.rmtree(folder)
        folder.mkdir(mode=0o700)

"""Many copies of one published model, for as long as an experiment runs."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from botocore.exceptions import ClientError

from fleet.cache.endpoint import WatchedEndpoint
from fleet.errors import HousingError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

EXPERIMENTS_PREFIX = "cache-experiment/"
"""Where copies go, below the endpoint's model prefix; nothing else is ever removed."""
_OBJECTS_PER_DELETE = 1000  # the most that DeleteObjects takes
_COPY_THREADS = 8


class CopyError(HousingError):
    """A model that cannot be copied; the text says why."""


def new_run_prefix(now: datetime | None = None) -> str:
    """A prefix that no other run has, such as ``cache-experiment/20261122T203000Z-3f9c/``."""
    moment = (now or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
    return f"{EXPERIMENTS_PREFIX}{moment}-{uuid4().hex[:4]}/"


def published_models(s3: "S3Client", endpoint: WatchedEndpoint) -> Iterator[str]:
    """Target models below the endpoint's prefix, without an experiment's copies."""
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=endpoint.bucket, Prefix=endpoint.model_prefix
    )
    for page in pages:
        for item in page.get("Contents", ()):
            target_model = item["Key"].removeprefix(endpoint.model_prefix)
            if target_model.endswith(".tar.gz") and not target_model.startswith(EXPERIMENTS_PREFIX):
                yield target_model


@contextmanager
def model_copies(
    s3: "S3Client",
    endpoint: WatchedEndpoint,
    source: str,
    run_prefix: str,
    target_models: Sequence[str],
) -> Iterator[None]:
    """Publish copies of ``source`` as ``target_models``, and remove them in the end.

    All of them begin with ``run_prefix``, below which everything is removed, also when copying
    fails or is interrupted half-way.

    Raises
    ------
    CopyError
    """
    for name in target_models:
        if not (run_prefix.startswith(EXPERIMENTS_PREFIX) and name.startswith(run_prefix)):
            raise CopyError(f"{name!r} is not below {EXPERIMENTS_PREFIX}<run>/")
    try:
        _copy(s3, endpoint, source, [endpoint.model_prefix + name for name in target_models])
        yield
    finally:
        _remove(s3, endpoint.bucket, endpoint.model_prefix + run_prefix)


def remove_leftovers(s3: "S3Client", endpoint: WatchedEndpoint) -> int:
    """Remove the copies of all runs; answers how many object versions that were."""
    return _remove(s3, endpoint.bucket, endpoint.model_prefix + EXPERIMENTS_PREFIX)


def _copy(s3: "S3Client", endpoint: WatchedEndpoint, source: str, keys: Sequence[str]) -> None:
    source_key = endpoint.model_prefix + source

    def copy_to(key: str) -> None:
        s3.copy_object(
            Bucket=endpoint.bucket,
            Key=key,
            CopySource={"Bucket": endpoint.bucket, "Key": source_key},
            IfNoneMatch="*",
        )

    executor = ThreadPoolExecutor(_COPY_THREADS, thread_name_prefix="copy")
    try:
        list(executor.map(copy_to, keys))
    except ClientError as error:
        raise CopyError(f"cannot copy s3://{endpoint.bucket}/{source_key}: {error}") from error
    finally:
        executor.shutdown(cancel_futures=True)


def _remove(s3: "S3Client", bucket: str, prefix: str) -> int:
    """Remove every version of every object below a prefix; answers how many versions.

    Raises
    ------
    CopyError
        S3 did not remove one.
    """
    versions = list(_versions(s3, bucket, prefix))
    for begin in range(0, len(versions), _OBJECTS_PER_DELETE):
        answer = s3.delete_objects(
            Bucket=bucket,
            Delete={"Objects": versions[begin : begin + _OBJECTS_PER_DELETE], "Quiet": True},
        )
        for error in answer.get("Errors", ()):
            raise CopyError(
                f"cannot remove s3://{bucket}/{error.get('Key')}: {error.get('Message')}"
            )
    return len(versions)


def _versions(s3: "S3Client", bucket: str, prefix: str) -> Iterator["ObjectIdentifierTypeDef"]:
    """In a bucket without versioning each object is the one version ``null`` of its key."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        for item in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
            yield {"Key": item["Key"], "VersionId": item["VersionId"]}

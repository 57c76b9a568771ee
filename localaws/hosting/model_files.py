"""The unpacked models of a MultiModel container on an instance's disk."""

import hashlib
import secrets
import shutil
import time
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path

from localaws.artifacts import ArtifactError, S3Location, unpack
from localaws.backend import ObjectStore
from localaws.errors import AwsError
from localaws.hosting.invocation import validation_error
from localaws.hosting.logs import LogStream
from localaws.hosting.lru_cache import LruCache
from localaws.hosting.metrics import VariantMetrics


class ModelFiles(LruCache[None]):
    """Which models are on disk and what they take, by target model, and their files."""

    def __init__(
        self,
        location: S3Location,
        object_store: Callable[[], ObjectStore],
        directory: Path,
        capacity: int,
        metrics: VariantMetrics,
        log: LogStream,
        threads: Executor,
    ) -> None:
        super().__init__(capacity)
        self._location = location
        self._object_store = object_store
        self._directory = directory
        self._metrics = metrics
        self._log = log
        self._threads = threads

    def download(self, target_model: str) -> int:
        """Get and unpack an artifact, on a thread; the bytes that it takes on disk.

        Raises
        ------
        AwsError
            When it cannot be read, or is no archive.
        """
        location = self._location.join(target_model)
        started = time.perf_counter()
        try:
            archive = self._object_store().get_object(location.bucket, location.key)
        except AwsError as error:
            self._log.write(f"{location.url}: {error}")
            raise validation_error(
                f"Failed to download model data (bucket: {location.bucket}, "
                f"key: {location.key}). Please ensure that there is an object located at the URL "
                "and that the role passed to CreateModel has permissions to download the object."
            ) from error
        downloading_time = (time.perf_counter() - started) * 1e6
        self._metrics.model_downloading_time.record(downloading_time)
        self._log.write(
            f"Downloaded {location.url}, {len(archive)} bytes, in {downloading_time / 1000:.1f} ms"
        )
        try:
            return unpack(archive, self.folder(target_model))
        except ArtifactError as error:
            self._log.write(f"{location.url}: {error}")
            raise validation_error(
                f'Failed to extract model data archive from URL "{location.url}". Please ensure '
                "that the object located at the URL is a valid tar.gz archive."
            ) from error

    def folder(self, target_model: str) -> Path:
        """Where a model's files are; worked out each time: a path has more bytes than a model."""
        return self._directory / model_name(target_model) / "model"

    def delete(self, target_model: str) -> None:
        """Forget a model, and delete its files."""
        self.remove(target_model)
        self.discard(target_model)

    def discard(self, target_model: str) -> None:
        """Delete a model's files: out of the way at once, off the disk on a thread."""
        folder = self.folder(target_model).parent
        if folder.exists():
            discarded = folder.rename(folder.with_name(f"discarded-{secrets.token_hex(8)}"))
            self._threads.submit(shutil.rmtree, discarded, ignore_errors=True)


def model_name(target_model: str) -> str:
    """The opaque name under which a container knows a model: 32 hexadecimal digits.

    https://docs.aws.amazon.com/sagemaker/latest/dg/mms-container-apis.html
    """
    return hashlib.md5(target_model.encode(), usedforsecurity=False).hexdigest()

"""From a job's output to the keys that are served: server-side copies, each to a key that is free.

A multi-model endpoint may hold the old bytes of a key that was overwritten (AWS: "Don't overwrite
model artifacts in Amazon S3",
https://docs.aws.amazon.com/sagemaker/latest/dg/add-models-to-endpoint.html), so that no key is ever
written twice, and the bucket's policy refuses to.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from fleet.table import ATTEMPTS, pause
from fleet.versions import State, Version

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

THREADS = 16
DIGEST_METADATA = "sha256"
PREPROCESSOR_METADATA = "preprocessor"
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
_TAKEN = "PreconditionFailed"
_BEING_WRITTEN = "ConditionalRequestConflict"
_ABSENT = ("NoSuchKey", "404")


@dataclass(frozen=True)
class Copy:
    """What became of a copy: why it failed, or None."""

    failure: str | None = None
    key_is_taken: bool = False
    """By other bytes."""


class ModelCopies:
    """Makes the copies within one bucket; ``s3`` may be used by several threads at once."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def copy_all(self, versions: Sequence[Version]) -> list[Copy]:
        """Copy each, several at once; what became of them, in their order."""
        with ThreadPoolExecutor(THREADS) as threads:
            return list(threads.map(self.copy, versions))

    def copy(self, version: Version) -> Copy:
        """Copy a candidate to its key, unless it served before: then its bytes lie there.

        To copy the same bytes twice is no failure, be it by others at the same moment.
        """
        if version.state is not State.CANDIDATE:
            return Copy()
        for attempt in range(ATTEMPTS):
            try:
                self._copy(version)
                return Copy()
            except ClientError as error:
                code, failure = error.response["Error"]["Code"], f"{version.key}: {error}"
            if code in _ABSENT:
                source = f"s3://{self._bucket}/{version.trained.artifact_key}"
                return Copy(f"{source} is gone; train the city again")
            if code == _TAKEN:
                return self._compared(version)
            if code != _BEING_WRITTEN:
                return Copy(failure)
            pause(attempt)
        return Copy(failure)

    def _copy(self, version: Version) -> None:
        trained = version.trained
        self._s3.copy_object(
            Bucket=self._bucket,
            Key=version.key,
            CopySource={"Bucket": self._bucket, "Key": trained.artifact_key},
            IfNoneMatch="*",
            MetadataDirective="REPLACE",
            Metadata={
                DIGEST_METADATA: trained.artifact_digest,
                PREPROCESSOR_METADATA: trained.preprocessor_url,
            },
        )

    def _compared(self, version: Version) -> Copy:
        """Whether what lies at the key is what was to be copied."""
        try:
            there = self._s3.head_object(Bucket=self._bucket, Key=version.key)["Metadata"]
        except ClientError as error:
            return Copy(f"{version.key}: {error}")
        if there.get(DIGEST_METADATA) == version.trained.artifact_digest:
            return Copy()
        return Copy(f"{version.key} holds another model; train the city again", key_is_taken=True)

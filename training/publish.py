"""Puts models where the endpoint finds them.

A multi-model endpoint may hold the old bytes of a key that was overwritten (AWS: "Don't overwrite
model artifacts in Amazon S3",
https://docs.aws.amazon.com/sagemaker/latest/dg/add-models-to-endpoint.html), so that each version
of a city's model has a key of its own, and every write here is conditional on the key being free.
"""

import hashlib
import io
import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from fleet.errors import HousingError
from fleet.names import Prefix, check_entity, target_model

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient

SHA256_METADATA = "sha256"
PREPROCESSOR_METADATA = "preprocessor"
MAX_MEMBER_BYTES = 64 * 2**20
# Preconditions that fail because somebody else wrote the key, see
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
_TAKEN = {"PreconditionFailed", "ConditionalRequestConflict"}


class PublishError(HousingError):
    """A model cannot be published; one line."""


@dataclass(frozen=True)
class PublishedModel:
    """One version of a city's model; ``is_new`` is False where the same bytes were there before."""

    city: str
    version: int
    is_new: bool = True

    @property
    def target_model(self) -> str:
        """The TargetModel of InvokeEndpoint."""
        return target_model(self.city, self.version)

    @property
    def key(self) -> str:
        """The S3 key."""
        return Prefix.MODELS + self.target_model


def versions(s3: "S3Client", bucket: str, city: str) -> list[int]:
    """The published versions of a city, in ascending order."""
    pattern = re.compile(rf"{re.escape(city)}(?:-v([1-9]\d*))?\.tar\.gz")
    prefix = f"{Prefix.MODELS}{check_entity(city)}/"
    names = [key.removeprefix(prefix) for key in list_keys(s3, bucket, prefix)]
    return sorted(int(match[1] or 1) for name in names if (match := pattern.fullmatch(name)))


def published_cities(s3: "S3Client", bucket: str) -> list[str]:
    """Cities that have at least one model."""
    keys = list_keys(s3, bucket, Prefix.MODELS)
    names = [key.removeprefix(Prefix.MODELS) for key in keys if key.endswith(".tar.gz")]
    return sorted({name.partition("/")[0] for name in names if "/" in name})


def list_keys(s3: "S3Client", bucket: str, prefix: str) -> list[str]:
    """All keys with this prefix."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


def publish_model(
    s3: "S3Client",
    bucket: str,
    city: str,
    artifact: bytes,
    *,
    preprocessor_url: str = "",
    dry_run: bool = False,
) -> PublishedModel:
    """Publish a model.tar.gz as the city's next version.

    Publishing the latest version's bytes again changes nothing. Of two publishers at once each
    gets a version of its own. With ``dry_run`` the answer is the same and nothing is written.
    The object remembers the preprocessor that made the model's features.
    """
    digest = hashlib.sha256(artifact).hexdigest()
    metadata = {SHA256_METADATA: digest, PREPROCESSOR_METADATA: preprocessor_url}
    while True:
        latest = max(versions(s3, bucket, city), default=0)
        if latest:
            there = _metadata(s3, bucket, PublishedModel(city, latest).key)
            if there.get(SHA256_METADATA) == digest:
                return PublishedModel(city, latest, is_new=False)
        model = PublishedModel(city, latest + 1)
        if dry_run or _put_if_absent(s3, bucket, model.key, artifact, metadata):
            return model


def preprocessor_of_model(s3: "S3Client", bucket: str, model: PublishedModel) -> str | None:
    """The URL of the preprocessor that made the model's features; None where it is not known."""
    return _metadata(s3, bucket, model.key).get(PREPROCESSOR_METADATA) or None


def store_preprocessor(s3: "S3Client", bucket: str, artifact: bytes) -> str:
    """Store the preprocessor under its content hash; returns its URL."""
    key = preprocessor_key(artifact)
    _put_if_absent(s3, bucket, key, artifact, {})
    return f"s3://{bucket}/{key}"


def publish_preprocessor(ssm: "SSMClient", parameter: str, url: str) -> bool:
    """Make this the preprocessor of the endpoint's next deployment; returns whether it is new."""
    if url == current_preprocessor(ssm, parameter):
        return False
    ssm.put_parameter(Name=parameter, Value=url, Type="String", Overwrite=True)
    return True


def current_preprocessor(ssm: "SSMClient", parameter: str) -> str | None:
    """The URL in the SSM parameter; None where nothing has been published."""
    try:
        return ssm.get_parameter(Name=parameter)["Parameter"]["Value"]
    except ssm.exceptions.ParameterNotFound:
        return None


def preprocessor_key(artifact: bytes) -> str:
    """``preprocessor/<sha256>/model.tar.gz``, the hash being that of the files in the archive.

    Times and owners of the archive's members do not count: fitting again on the same houses gives
    the same key, and the endpoint stays as it is.
    """
    digest = hashlib.sha256()
    with tarfile.open(fileobj=io.BytesIO(artifact), mode="r:gz") as archive:
        for member in sorted(archive.getmembers(), key=lambda member: member.name):
            if member.size > MAX_MEMBER_BYTES:
                raise PublishError(f"{member.name} of {member.size:,} bytes is no preprocessor")
            file = archive.extractfile(member)
            if file is not None:
                content = file.read()
                digest.update(f"{member.name}\0{len(content)}\0".encode() + content)
    return f"{Prefix.PREPROCESSOR}{digest.hexdigest()}/model.tar.gz"


def _metadata(s3: "S3Client", bucket: str, key: str) -> Mapping[str, str]:
    return s3.head_object(Bucket=bucket, Key=key)["Metadata"]


def _put_if_absent(
    s3: "S3Client", bucket: str, key: str, body: bytes, metadata: Mapping[str, str]
) -> bool:
    try:
        s3.put_object(Bucket=bucket, Key=key, Body=body, IfNoneMatch="*", Metadata=metadata)
    except ClientError as error:
        if error.response["Error"]["Code"] in _TAKEN:
            return False
        raise
    return True

"""Puts preprocessors where the endpoint finds them: each below the hash of its content."""

import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from fleet.errors import HousingError
from fleet.names import Prefix
from fleet.schema import Schema

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient

MAX_MEMBER_BYTES = 64 * 2**20
RANGES_FILE = "ranges.json"
ARTIFACT_SCHEMA = "code/schema.json"
# Preconditions that fail because somebody else wrote the key, see
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
_TAKEN = {"PreconditionFailed", "ConditionalRequestConflict"}


class PublishError(HousingError):
    """A model cannot be published; one line."""


def list_keys(s3: "S3Client", bucket: str, prefix: str) -> list[str]:
    """All keys with this prefix."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


def store_preprocessor(s3: "S3Client", bucket: str, artifact: bytes) -> str:
    """Store the preprocessor under its content hash; returns its URL."""
    key = preprocessor_key(artifact)
    put_if_absent(s3, bucket, key, artifact)
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

    Raises
    ------
    PublishError
        A file in it is larger than any preprocessor.
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


def read_ranges(artifact: bytes) -> dict[str, tuple[float, float]]:
    """Least and greatest value of each number that a preprocessor was fitted on, by column.

    Empty where the artifact does not say.
    """
    content = _member(artifact, RANGES_FILE)
    found = json.loads(content) if content else {}
    return {name: (float(low), float(high)) for name, (low, high) in found.items()}


def read_artifact_schema(artifact: bytes) -> Schema | None:
    """The columns that a preprocessor was fitted for; None where the artifact does not say."""
    content = _member(artifact, ARTIFACT_SCHEMA)
    try:
        return Schema.from_json(content.decode()) if content else None
    except ValueError:
        return None


def _member(artifact: bytes, name: str) -> bytes | None:
    with tarfile.open(fileobj=io.BytesIO(artifact), mode="r:gz") as archive:
        for member in archive:
            if member.name.removeprefix("./") == name and member.size <= MAX_MEMBER_BYTES:
                file = archive.extractfile(member)
                return file.read() if file else None
    return None


def put_if_absent(s3: "S3Client", bucket: str, key: str, body: bytes) -> bool:
    """Write an object unless its key is taken; whether it was written.

    Raises
    ------
    ClientError
        S3 refuses for another reason.
    """
    try:
        s3.put_object(Bucket=bucket, Key=key, Body=body, IfNoneMatch="*")
    except ClientError as error:
        if error.response["Error"]["Code"] in _TAKEN:
            return False
        raise
    return True

"""Publishing preprocessors against a real bucket."""

import gzip
import io
import tarfile
import uuid
from typing import TYPE_CHECKING

import pytest

from fleet.errors import HousingError
from fleet.names import target_model
from localaws.testing import LocalAws
from training.publish import (
    PublishError,
    current_preprocessor,
    preprocessor_key,
    publish_preprocessor,
    store_preprocessor,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture(scope="module")
def s3(localaws: LocalAws) -> "S3Client":
    return localaws.session().client("s3")


@pytest.fixture
def bucket(s3: "S3Client") -> str:
    name = f"publish-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    return name


def read(s3: "S3Client", bucket: str, key: str) -> bytes:
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def archive(content: bytes, modified: int = 0) -> bytes:
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as tar,
    ):
        member = tarfile.TarInfo("model.joblib")
        member.size, member.mtime = len(content), modified
        tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def test_the_first_version_has_the_citys_name_and_later_ones_a_number() -> None:
    assert target_model("Chicago_IL") == "Chicago_IL/Chicago_IL.tar.gz"
    assert target_model("Chicago_IL", 12) == "Chicago_IL/Chicago_IL-v12.tar.gz"


@pytest.mark.parametrize("city", ["", "../raw", "New York", "a/b", "x" * 64, "*"])
def test_a_city_that_cannot_be_a_key_is_refused(city: str) -> None:
    with pytest.raises(HousingError, match="letters, digits, _ and - only"):
        target_model(city)


def test_the_preprocessors_key_depends_on_its_content_and_not_on_times() -> None:
    assert preprocessor_key(archive(b"a", modified=1)) == preprocessor_key(archive(b"a"))
    assert preprocessor_key(archive(b"a")) != preprocessor_key(archive(b"b"))


def test_the_parameter_holds_the_url_of_the_last_preprocessor(
    localaws: LocalAws, s3: "S3Client", bucket: str
) -> None:
    ssm = localaws.session().client("ssm")
    parameter = f"/{bucket}/model-data-url"
    assert current_preprocessor(ssm, parameter) is None
    for content in (b"a", b"b"):
        url = store_preprocessor(s3, bucket, archive(content))
        assert publish_preprocessor(ssm, parameter, url)
        assert current_preprocessor(ssm, parameter) == url
        assert not publish_preprocessor(ssm, parameter, url)
    assert read(s3, bucket, url.removeprefix(f"s3://{bucket}/")) == archive(b"b")


def test_a_preprocessor_that_is_stored_again_keeps_its_first_bytes(
    s3: "S3Client", bucket: str
) -> None:
    url = store_preprocessor(s3, bucket, archive(b"a"))
    assert store_preprocessor(s3, bucket, archive(b"a", modified=9)) == url
    assert read(s3, bucket, url.removeprefix(f"s3://{bucket}/")) == archive(b"a")


def test_an_archive_with_a_huge_member_is_no_preprocessor() -> None:
    with pytest.raises(PublishError, match="is no preprocessor"):
        preprocessor_key(archive(bytes(65 * 2**20)))

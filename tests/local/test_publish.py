"""Publishing against a real bucket."""

import io
import tarfile
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from fleet.names import target_model
from tests.local.conftest import LocalAws
from training.publish import (
    PublishError,
    current_preprocessor,
    preprocessor_key,
    preprocessor_of_model,
    publish_model,
    publish_preprocessor,
    published_cities,
    store_preprocessor,
    versions,
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
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        member = tarfile.TarInfo("model.joblib")
        member.size, member.mtime = len(content), modified
        tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def test_the_first_version_has_the_citys_name_and_later_ones_a_number() -> None:
    assert target_model("Chicago_IL") == "Chicago_IL/Chicago_IL.tar.gz"
    assert target_model("Chicago_IL", 12) == "Chicago_IL/Chicago_IL-v12.tar.gz"


@pytest.mark.parametrize("city", ["", "../raw", "New York", "a/b", "x" * 64, "*"])
def test_a_city_that_cannot_be_a_key_is_refused(city: str) -> None:
    with pytest.raises(PublishError, match="letters, digits, _ and - only"):
        target_model(city)


def test_each_new_model_gets_a_key_of_its_own(s3: "S3Client", bucket: str) -> None:
    for number in range(1, 4):
        model = publish_model(s3, bucket, "Chicago_IL", b"model %d" % number)
        assert (model.version, model.is_new) == (number, True)
    assert read(s3, bucket, "models/Chicago_IL/Chicago_IL.tar.gz") == b"model 1"
    assert read(s3, bucket, "models/Chicago_IL/Chicago_IL-v3.tar.gz") == b"model 3"


def test_the_same_model_again_is_not_a_new_version(s3: "S3Client", bucket: str) -> None:
    publish_model(s3, bucket, "Chicago_IL", b"model")
    again = publish_model(s3, bucket, "Chicago_IL", b"model")
    assert (again.version, again.is_new) == (1, False)


def test_a_dry_run_names_the_key_and_writes_nothing(s3: "S3Client", bucket: str) -> None:
    model = publish_model(s3, bucket, "Chicago_IL", b"model", dry_run=True)
    assert model.key == "models/Chicago_IL/Chicago_IL.tar.gz"
    assert versions(s3, bucket, "Chicago_IL") == []


def test_publishers_at_once_lose_nothing(s3: "S3Client", bucket: str) -> None:
    bodies = [b"model %d" % number for number in range(8)]
    with ThreadPoolExecutor(len(bodies)) as threads:
        models = list(
            threads.map(lambda body: publish_model(s3, bucket, "Chicago_IL", body), bodies)
        )
    assert versions(s3, bucket, "Chicago_IL") == list(range(1, 9))
    assert [read(s3, bucket, model.key) for model in models] == bodies


def test_cities_with_similar_names_do_not_share_versions(s3: "S3Client", bucket: str) -> None:
    publish_model(s3, bucket, "Paris", b"model")
    publish_model(s3, bucket, "Paris_FR", b"other")
    assert versions(s3, bucket, "Paris") == [1]
    assert published_cities(s3, bucket) == ["Paris", "Paris_FR"]


def test_objects_that_are_no_models_are_no_versions(s3: "S3Client", bucket: str) -> None:
    for key in ("models/Paris/notes.txt", "models/Paris/Paris-v0.tar.gz", "models/"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    assert versions(s3, bucket, "Paris") == []


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


def test_a_model_remembers_the_preprocessor_of_its_features(s3: "S3Client", bucket: str) -> None:
    url = "s3://bucket/preprocessor/1/model.tar.gz"
    model = publish_model(s3, bucket, "Chicago_IL", b"model", preprocessor_url=url)
    other = publish_model(s3, bucket, "Chicago_IL", b"from elsewhere")
    assert preprocessor_of_model(s3, bucket, model) == url
    assert preprocessor_of_model(s3, bucket, other) is None


def test_an_archive_with_a_huge_member_is_no_preprocessor() -> None:
    with pytest.raises(PublishError, match="is no preprocessor"):
        preprocessor_key(archive(bytes(65 * 2**20)))

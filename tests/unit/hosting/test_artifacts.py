import io
import tarfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws import artifacts
from localaws.artifacts import ArtifactError, S3Location, unpack
from localaws.testing.memory import model_archive


def archive_with(member: tarfile.TarInfo, content: bytes = b"") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def test_files_and_folders_are_unpacked(tmp_path: Path) -> None:
    unpack(model_archive({"model.joblib": b"abc", "code/script.py": b"x"}), tmp_path / "model")
    assert (tmp_path / "model" / "code" / "script.py").read_bytes() == b"x"


def test_the_size_is_that_of_the_unpacked_files(tmp_path: Path) -> None:
    assert unpack(model_archive({"a": b"x" * 5000, "b": b"y"}), tmp_path / "model") == 5001


@pytest.mark.parametrize(
    "archive",
    [
        archive_with(tarfile.TarInfo("../outside"), b"x"),
        archive_with(tarfile.TarInfo("a/../../outside"), b"x"),
        archive_with(link("inside", "../outside")),
        archive_with(link("inside", "/etc/passwd")),
        archive_with(link("inside", "../outside", tarfile.LNKTYPE)),
        archive_with(link("device", "", tarfile.CHRTYPE)),
    ],
    ids=["parent", "nested parent", "link", "absolute link", "hard link", "device"],
)
def test_nothing_gets_out_of_its_directory(archive: bytes, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError):
        unpack(archive, tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_an_absolute_path_lands_inside(tmp_path: Path) -> None:
    unpack(archive_with(tarfile.TarInfo("/model"), b"x"), tmp_path / "model")
    assert (tmp_path / "model" / "model").read_bytes() == b"x"


def test_an_archive_that_unpacks_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts, "MAXIMUM_UNPACKED_BYTES", 1000)
    with pytest.raises(ArtifactError, match="unpacks to more than"):
        unpack(model_archive({"zeros": bytes(1001)}), tmp_path / "model")


def test_an_archive_of_too_many_members_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts, "MAXIMUM_MEMBERS", 2)
    with pytest.raises(ArtifactError, match="more than 2 members"):
        unpack(model_archive({"a": b"", "b": b"", "c": b""}), tmp_path / "model")


@given(st.binary(max_size=200), st.integers(0, 120))
def test_any_other_bytes_are_refused_or_unpacked_but_never_crash(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, cut: int
) -> None:
    directory = tmp_path_factory.mktemp("noise")
    for number, archive in enumerate([noise, model_archive()[:cut], model_archive()[:cut] + noise]):
        with suppress(ArtifactError):
            unpack(archive, directory / str(number))


def test_a_location_is_read_from_its_url() -> None:
    assert S3Location.parse("s3://bucket/models/a b.tar.gz") == S3Location(
        "bucket", "models/a b.tar.gz"
    )


@pytest.mark.parametrize("url", ["https://bucket/key", "s3:///key", "bucket/key", ""])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="s3://bucket/key"):
        S3Location.parse(url)


@pytest.mark.parametrize("prefix", ["s3://bucket/models/", "s3://bucket/models"])
def test_a_target_model_is_found_beneath_its_prefix(prefix: str) -> None:
    joined = S3Location.parse(prefix).join("Chicago_IL/Chicago_IL.tar.gz")
    assert joined.url == "s3://bucket/models/Chicago_IL/Chicago_IL.tar.gz"


def test_a_whole_bucket_can_be_the_prefix() -> None:
    assert S3Location.parse("s3://bucket/").join("a.tar.gz").url == "s3://bucket/a.tar.gz"


def test_a_hash_or_question_mark_belongs_to_the_key() -> None:
    assert S3Location.parse("s3://bucket/a#b?c.tar.gz").key == "a#b?c.tar.gz"


@pytest.mark.parametrize(
    "url",
    [
        "s3://bucket/a/b.tar.gz",
        "https://s3.eu-west-1.amazonaws.com/bucket/a/b.tar.gz",
        "https://s3.amazonaws.com/bucket/a/b.tar.gz",
        "https://s3-us-west-2.amazonaws.com/bucket/a/b.tar.gz",
        "https://bucket.s3.eu-west-1.amazonaws.com/a/b.tar.gz",
        "https://bucket.s3.amazonaws.com/a%2Fb.tar.gz",
        "https://bucket.s3.cn-north-1.amazonaws.com.cn/a/b.tar.gz",
    ],
)
def test_a_location_is_an_s3_uri_or_the_url_of_the_object(url: str) -> None:
    assert S3Location.parse(url) == S3Location("bucket", "a/b.tar.gz")


@pytest.mark.parametrize(
    "url",
    ["", "bucket/a", "s3:///a", "http://bucket.s3.amazonaws.com/a", "https://example.com/bucket/a"],
)
def test_anything_else_is_no_location(url: str) -> None:
    with pytest.raises(ValueError, match="is not of the form s3://bucket/key or https://"):
        S3Location.parse(url)

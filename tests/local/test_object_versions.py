"""A versioned bucket on localaws: what each version holds, and how all are listed and deleted."""

import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from localaws.testing import LocalAws


def test_deleting_each_page_while_listing_leaves_nothing(localaws: LocalAws) -> None:
    bucket = "object-versions"
    s3: Any = localaws.session().client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for key in ("a", "b", "b", "b", "b", "c", "c", "d"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    pages = s3.get_paginator("list_object_versions").paginate(
        Bucket=bucket, PaginationConfig={"PageSize": 3}
    )
    for page in pages:
        for version in page.get("Versions", []):
            s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
    assert "Versions" not in s3.list_object_versions(Bucket=bucket)


@pytest.mark.parametrize("versioned_later", [False, True])
@pytest.mark.parametrize("page_size", [1, 3, 7])
def test_pages_hold_every_version_once(
    localaws: LocalAws, page_size: int, versioned_later: bool
) -> None:
    bucket = f"paged-versions-{page_size}-{versioned_later}".lower()
    s3: Any = localaws.session().client("s3")
    s3.create_bucket(Bucket=bucket)
    keys = [f"k{number:02}" for number in range(20)]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    if versioned_later:
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        for key in keys:
            s3.put_object(Bucket=bucket, Key=key, Body=b"y")
    pages = s3.get_paginator("list_object_versions").paginate(
        Bucket=bucket, PaginationConfig={"PageSize": page_size}
    )
    listed = [version["Key"] for page in pages for version in page.get("Versions", [])]
    assert sorted(listed) == sorted(keys * (2 if versioned_later else 1))


@pytest.fixture
def history(localaws: LocalAws) -> "History":
    """A key that was there before its bucket kept versions, and was put and deleted since."""
    s3: Any = localaws.session().client("s3")
    bucket = f"history-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="key", Body=b"before")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="key", Body=b"first")["VersionId"]
    marker = s3.delete_object(Bucket=bucket, Key="key")["VersionId"]
    second = s3.put_object(Bucket=bucket, Key="key", Body=b"second")["VersionId"]
    return History(s3, bucket, first, marker, second)


@dataclass(frozen=True)
class History:
    s3: Any
    bucket: str
    first: str
    marker: str
    second: str

    def read(self, version: str | None = None) -> bytes:
        named = {} if version is None else {"VersionId": version}
        answer = self.s3.get_object(Bucket=self.bucket, Key="key", **named)
        body: bytes = answer["Body"].read()
        return body

    def delete(self, version: str) -> None:
        self.s3.delete_object(Bucket=self.bucket, Key="key", VersionId=version)


def test_each_version_has_its_own_bytes(history: History) -> None:
    assert history.read() == b"second"
    assert history.read(history.first) == b"first"
    assert history.read("null") == b"before"


def test_the_version_before_is_current_when_those_after_it_are_deleted(history: History) -> None:
    history.delete(history.second)
    history.delete(history.marker)
    assert history.read() == b"first"
    history.delete(history.first)
    assert history.read() == b"before"


def test_a_version_can_be_copied(history: History) -> None:
    source = {"Bucket": history.bucket, "Key": "key", "VersionId": history.first}
    history.s3.copy_object(Bucket=history.bucket, Key="key", CopySource=source)
    assert history.read() == b"first"
    assert history.read(history.second) == b"second"

"""A versioned bucket on localaws, emptied as most programs do it: page by page."""

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

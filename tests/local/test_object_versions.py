"""A versioned bucket on localaws, emptied as most programs do it: page by page."""

from typing import Any

from tests.local.conftest import LocalAws


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

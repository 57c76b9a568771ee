"""Conditional writes of S3 on localaws: PutObject and CopyObject, and policies that ask for them.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.testing import LocalAws


@pytest.fixture
def s3(localaws: LocalAws) -> Any:
    return localaws.session().client("s3")


def bucket_with_source(s3: Any, name: str) -> dict[str, Any]:
    """A bucket with the objects ``source`` and ``taken``; the arguments of a copy between them."""
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="source", Body=b"new")
    s3.put_object(Bucket=name, Key="taken", Body=b"old")
    return {"Bucket": name, "CopySource": {"Bucket": name, "Key": "source"}}


def body(s3: Any, bucket: str, key: str) -> bytes:
    return bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())


def test_a_copy_to_a_new_key_only(s3: Any) -> None:
    copy = bucket_with_source(s3, "copy-to-new-key")
    s3.copy_object(**copy, Key="free", IfNoneMatch="*")
    with pytest.raises(ClientError, match="PreconditionFailed") as refused:
        s3.copy_object(**copy, Key="taken", IfNoneMatch="*")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412
    assert body(s3, "copy-to-new-key", "free") == b"new"
    assert body(s3, "copy-to-new-key", "taken") == b"old"


def test_a_copy_over_what_was_read_only(s3: Any) -> None:
    copy = bucket_with_source(s3, "copy-over-known")
    etag = s3.head_object(Bucket="copy-over-known", Key="taken")["ETag"]
    s3.copy_object(**copy, Key="taken", IfMatch=etag)
    assert body(s3, "copy-over-known", "taken") == b"new"
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.copy_object(**copy, Key="taken", IfMatch=etag)
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.copy_object(**copy, Key="absent", IfMatch=etag)


def test_a_policy_that_denies_writes_without_if_none_match(localaws: LocalAws, s3: Any) -> None:
    copy = bucket_with_source(s3, "only-new-keys")
    iam: Any = localaws.session().client("iam")
    iam.create_user(UserName="only-new-keys")
    statements = [
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
        {
            "Effect": "Deny",
            "Action": "s3:PutObject",
            "Resource": "*",
            "Condition": {
                "Null": {"s3:if-none-match": "true"},
                "Bool": {"s3:ObjectCreationOperation": "true"},
            },
        },
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName="only-new-keys", PolicyName="p", PolicyDocument=document)
    key = iam.create_access_key(UserName="only-new-keys")["AccessKey"]
    limited: Any = localaws.session(key["AccessKeyId"], key["SecretAccessKey"]).client("s3")
    limited.put_object(Bucket="only-new-keys", Key="put", Body=b"x", IfNoneMatch="*")
    limited.copy_object(**copy, Key="copied", IfNoneMatch="*")
    limited.create_multipart_upload(Bucket="only-new-keys", Key="uploaded")
    with pytest.raises(ClientError, match="AccessDenied"):
        limited.put_object(Bucket="only-new-keys", Key="other", Body=b"x")
    with pytest.raises(ClientError, match="AccessDenied"):
        limited.copy_object(**copy, Key="other")

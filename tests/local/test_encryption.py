"""Buckets encrypted with a key of one's own: the key's permission is needed too."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.testing import LocalAws

BUCKET = "encrypted-store"
ROLE_TRUST = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"AWS": "123456789012"},
        "Action": "sts:AssumeRole",
    },
}


@pytest.fixture(scope="module")
def key_arn(localaws: LocalAws) -> str:
    """The key of a bucket that holds one object."""
    session = localaws.session()
    arn: str = session.client("kms").create_key()["KeyMetadata"]["Arn"]
    s3 = session.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    rule = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn}
    }
    s3.put_bucket_encryption(
        Bucket=BUCKET,
        ServerSideEncryptionConfiguration={"Rules": [rule]},  # type: ignore[arg-type, misc]
    )
    s3.put_object(Bucket=BUCKET, Key="model.tar.gz", Body=b"weights")
    return arn


@pytest.fixture(scope="module")
def s3_of(localaws: LocalAws, key_arn: str) -> Callable[..., Any]:
    """An S3 client of a new role that may do anything in S3, and the given with the key."""

    def make(name: str, *key_actions: str) -> Any:
        iam = localaws.session().client("iam")
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(ROLE_TRUST))
        allowed = [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]
        if key_actions:
            allowed.append({"Effect": "Allow", "Action": [*key_actions], "Resource": key_arn})  # type: ignore[dict-item]
        iam.put_role_policy(
            RoleName=name,
            PolicyName="p",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": allowed}),
        )
        return localaws.session_as(role["Role"]["Arn"]).client("s3")

    return make


def test_reading_needs_decrypt(s3_of: Callable[..., Any], key_arn: str) -> None:
    s3 = s3_of("encryption-none")
    with pytest.raises(ClientError, match=f"perform: kms:Decrypt on resource: {key_arn}"):
        s3.get_object(Bucket=BUCKET, Key="model.tar.gz")


def test_writing_needs_generate_data_key(s3_of: Callable[..., Any], key_arn: str) -> None:
    s3 = s3_of("encryption-reads", "kms:Decrypt")
    with pytest.raises(ClientError, match="perform: kms:GenerateDataKey on resource"):
        s3.put_object(Bucket=BUCKET, Key="other.tar.gz", Body=b"weights")


def test_who_has_both_reads_and_writes(s3_of: Callable[..., Any]) -> None:
    s3 = s3_of("encryption-both", "kms:Decrypt", "kms:GenerateDataKey")
    s3.put_object(Bucket=BUCKET, Key="new.tar.gz", Body=b"weights")
    assert s3.get_object(Bucket=BUCKET, Key="new.tar.gz")["Body"].read() == b"weights"

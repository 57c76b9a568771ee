"""The model store: private, encrypted, and granted by prefix."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Match, Template

from sagemaker_mme import InvalidPropsError, ModelStore, Prefix, PrefixGrants
from tests.unit.constructs.conftest import statements

Resources = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def store(stack: cdk.Stack) -> ModelStore:
    return ModelStore(stack, "Store")


@pytest.fixture
def role(stack: cdk.Stack) -> iam.Role:
    return iam.Role(stack, "Role", assumed_by=iam.AccountRootPrincipal())


def test_objects_are_encrypted_with_a_rotating_key_of_the_store(
    stack: cdk.Stack, store: ModelStore
) -> None:
    template = Template.from_stack(stack)
    template.has_resource_properties("AWS::KMS::Key", {"EnableKeyRotation": True})
    encryption = {
        "BucketKeyEnabled": True,
        "ServerSideEncryptionByDefault": {
            "SSEAlgorithm": "aws:kms",
            "KMSMasterKeyID": stack.resolve(store.key.key_arn),
        },
    }
    template.has_resource_properties(
        "AWS::S3::Bucket",
        {"BucketEncryption": {"ServerSideEncryptionConfiguration": [encryption]}},
    )


def test_both_buckets_are_closed_to_the_public(store: ModelStore, resources: Resources) -> None:
    closed = {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }
    assert [b["PublicAccessBlockConfiguration"] for b in resources("AWS::S3::Bucket")] == [
        closed
    ] * 2


def test_both_buckets_refuse_what_is_not_tls_1_2(store: ModelStore, resources: Resources) -> None:
    for policy in resources("AWS::S3::BucketPolicy"):
        denied = [
            statement["Condition"]
            for statement in policy["PolicyDocument"]["Statement"]
            if statement["Effect"] == "Deny"
        ]
        assert {"Bool": {"aws:SecureTransport": "false"}} in denied
        assert {"NumericLessThan": {"s3:TlsVersion": 1.2}} in denied


def test_a_models_key_is_written_once(stack: cdk.Stack, store: ModelStore) -> None:
    denial = {
        "Sid": "DenyOverwritesOfModels",
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "s3:PutObject",
        "Resource": stack.resolve(store.bucket.arn_for_objects("models/*")),
        "Condition": {
            "Null": {"s3:if-none-match": "true"},
            "Bool": {"s3:ObjectCreationOperation": "true"},
        },
    }
    Template.from_stack(stack).has_resource_properties(
        "AWS::S3::BucketPolicy",
        {"PolicyDocument": {"Statement": Match.array_with([denial])}},
    )


def test_the_bucket_is_versioned_and_its_accesses_are_logged(
    stack: cdk.Stack, store: ModelStore
) -> None:
    Template.from_stack(stack).has_resource_properties(
        "AWS::S3::Bucket",
        {
            "VersioningConfiguration": {"Status": "Enabled"},
            "LoggingConfiguration": {
                "DestinationBucketName": stack.resolve(store.access_logs.bucket_name),
                "LogFilePrefix": "model-store/",
            },
        },
    )


def test_uploads_old_versions_and_intermediate_data_expire_but_models_do_not(
    store: ModelStore, resources: Resources
) -> None:
    (rules,) = (
        bucket["LifecycleConfiguration"]["Rules"]
        for bucket in resources("AWS::S3::Bucket")
        if "VersioningConfiguration" in bucket
    )
    everywhere, *by_prefix = rules
    assert everywhere["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert everywhere["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert "ExpirationInDays" not in everywhere
    assert {rule["Prefix"]: rule["ExpirationInDays"] for rule in by_prefix} == {
        "preprocessed/": 30,
        "jobs/": 30,
    }


def test_everything_is_retained_by_default(stack: cdk.Stack, store: ModelStore) -> None:
    template = Template.from_stack(stack)
    template.all_resources("AWS::S3::Bucket", {"DeletionPolicy": "RetainExceptOnCreate"})
    template.all_resources("AWS::KMS::Key", {"DeletionPolicy": "RetainExceptOnCreate"})


def test_reading_a_prefix_is_get_and_list_of_that_prefix_and_decrypt(
    stack: cdk.Stack, store: ModelStore, role: iam.Role, resources: Resources
) -> None:
    store.grants.read(role, Prefix.MODELS)
    bucket_arn = stack.resolve(store.bucket.bucket_arn)
    assert statements(resources("AWS::IAM::Policy")) == [
        {
            "Action": "s3:ListBucket",
            "Condition": {"StringLike": {"s3:prefix": ["models/*"]}},
            "Effect": "Allow",
            "Resource": bucket_arn,
        },
        {
            "Action": "s3:GetObject",
            "Effect": "Allow",
            "Resource": {"Fn::Join": ["", [bucket_arn, "/models/*"]]},
        },
        {
            "Action": "kms:Decrypt",
            "Effect": "Allow",
            "Resource": stack.resolve(store.key.key_arn),
        },
    ]


def test_writing_a_prefix_neither_reads_nor_deletes(
    store: ModelStore, role: iam.Role, resources: Resources
) -> None:
    store.grants.write(role, Prefix.JOBS)
    actions = [statement["Action"] for statement in statements(resources("AWS::IAM::Policy"))]
    assert actions == [
        ["s3:AbortMultipartUpload", "s3:PutObject"],
        ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"],
    ]


def test_a_bucket_without_a_key_needs_no_decrypt(
    bucket: s3.IBucket, role: iam.Role, resources: Resources
) -> None:
    PrefixGrants(bucket).read(role, "models/")
    actions = {str(s["Action"]) for s in statements(resources("AWS::IAM::Policy"))}
    assert actions == {"s3:ListBucket", "s3:GetObject"}


@pytest.mark.parametrize(
    ("prefix", "problem"),
    [
        ("models", "must end with a slash"),
        ("", "must end with a slash"),
        ("/models/", "not start with one"),
        ("mod*/", "holds a wildcard"),
    ],
)
def test_prefixes_that_would_match_more_are_refused(
    store: ModelStore, role: iam.Role, prefix: str, problem: str
) -> None:
    with pytest.raises(InvalidPropsError, match=problem):
        store.grants.read(role, prefix)


def test_a_grant_of_no_prefix_is_refused(store: ModelStore, role: iam.Role) -> None:
    with pytest.raises(InvalidPropsError, match="no prefix given"):
        store.grants.write(role)


def test_retention_can_be_chosen(stack: cdk.Stack) -> None:
    ModelStore(
        stack,
        "Store",
        removal_policy=cdk.RemovalPolicy.DESTROY,
        intermediate_expiration=cdk.Duration.days(2),
        log_expiration=cdk.Duration.days(3),
    )
    template = Template.from_stack(stack)
    template.all_resources("AWS::S3::Bucket", {"DeletionPolicy": "Delete"})
    for days in (2, 3):
        template.has_resource_properties(
            "AWS::S3::Bucket",
            {
                "LifecycleConfiguration": {
                    "Rules": Match.array_with([Match.object_like({"ExpirationInDays": days})])
                }
            },
        )

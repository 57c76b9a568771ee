"""The model store: private, encrypted, and granted by prefix."""

import json
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Match, Template

from sagemaker_mme import (
    InvalidPropsError,
    KeyLayout,
    ModelStore,
    Prefix,
    PrefixGrants,
    TrainingRole,
)
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


def test_a_key_of_ones_own_encrypts_the_bucket(stack: cdk.Stack, resources: Resources) -> None:
    key = kms.Key.from_key_arn(stack, "Own", "arn:aws:kms:us-east-1:111122223333:key/own")
    store = ModelStore(stack, "Store", encryption_key=key)
    assert store.key is key
    assert resources("AWS::KMS::Key") == []
    assert "key/own" in json.dumps(resources("AWS::S3::Bucket"))


def test_the_keys_of_a_store_begin_as_its_layout_says(
    stack: cdk.Stack, resources: Resources
) -> None:
    layout = KeyLayout(models="team/models/", jobs="team/jobs/")
    store = ModelStore(stack, "Store", key_layout=layout)
    TrainingRole(stack, "Training", model_store=store)
    assert "team/models/*" in json.dumps(resources("AWS::S3::BucketPolicy"))
    assert "team/jobs/*" in json.dumps(resources("AWS::IAM::Policy"))
    rules = json.dumps(resources("AWS::S3::Bucket"))
    assert '"Prefix": "team/jobs/"' in rules
    assert '"Prefix": "jobs/"' not in rules


@pytest.mark.parametrize(
    ("layout", "problem"),
    [
        (KeyLayout(models="models"), "must end with a slash"),
        (KeyLayout(models="jobs/models/"), "lies below 'jobs/'"),
        (KeyLayout(models="jobs/"), "are the same"),
    ],
)
def test_a_layout_that_does_not_keep_things_apart_is_refused(
    stack: cdk.Stack, layout: KeyLayout, problem: str
) -> None:
    with pytest.raises(InvalidPropsError, match=problem):
        ModelStore(stack, "Store", key_layout=layout)


def test_a_bucket_that_is_there_already_can_be_the_store(
    stack: cdk.Stack, bucket: s3.IBucket, resources: Resources
) -> None:
    store = ModelStore.from_bucket(bucket, KeyLayout(raw="data/"))
    TrainingRole(stack, "Training", model_store=store)
    assert resources("AWS::S3::Bucket") == []
    assert "data/*" in json.dumps(resources("AWS::IAM::Policy"))


def test_models_and_preprocessors_are_copied_to_another_region() -> None:
    app = cdk.App(builtin_cloud_formation_validation=False)
    stacks = [
        cdk.Stack(
            app,
            region,
            env=cdk.Environment(account="111122223333", region=region),
            cross_region_references=True,
        )
        for region in ("eu-west-1", "us-east-1")
    ]
    copy = ModelStore(stacks[0], "Store")
    ModelStore(stacks[1], "Store", replicate_to=copy)
    buckets = Template.from_stack(stacks[1]).find_resources("AWS::S3::Bucket").values()
    (found,) = (
        bucket["Properties"]["ReplicationConfiguration"]
        for bucket in buckets
        if "ReplicationConfiguration" in bucket["Properties"]
    )
    assert [rule["Filter"]["Prefix"] for rule in found["Rules"]] == ["models/", "preprocessor/"]
    for rule in found["Rules"]:
        assert rule["DeleteMarkerReplication"] == {"Status": "Disabled"}
        assert rule["SourceSelectionCriteria"]["SseKmsEncryptedObjects"] == {"Status": "Enabled"}
        assert "ReplicaKmsKeyID" in rule["Destination"]["EncryptionConfiguration"]
    roles = json.dumps(Template.from_stack(stacks[1]).find_resources("AWS::IAM::Policy"))
    assert "s3:ReplicateObject" in roles
    assert "kms:Encrypt" in roles

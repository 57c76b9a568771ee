"""The bucket that holds models."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from sagemaker_mme.auto_delete import keep_auto_delete_logs
from sagemaker_mme.prefixes import KeyLayout, PrefixGrants
from sagemaker_mme.problems import raise_problems
from sagemaker_mme.replication import replicate


class ModelStoreBase(Protocol):
    """A bucket that holds models, made here or elsewhere."""

    @property
    def bucket(self) -> s3.IBucket:
        """The bucket."""
        ...

    @property
    def key_layout(self) -> KeyLayout:
        """What its keys begin with."""
        ...

    @property
    def grants(self) -> PrefixGrants:
        """Permissions on its prefixes."""
        ...


@dataclass(frozen=True)
class ImportedModelStore:
    """A bucket that some other stack, or no stack, made; see ``ModelStore.from_bucket``."""

    bucket: s3.IBucket
    key_layout: KeyLayout = field(default_factory=KeyLayout)

    @property
    def grants(self) -> PrefixGrants:
        """Permissions on its prefixes."""
        return PrefixGrants(self.bucket)


class ModelStore(Construct):
    """A private, encrypted, versioned bucket for models and what they are made from.

    Parameters
    ----------
    removal_policy
        What becomes of bucket and key when they leave the stack. With DESTROY the bucket is
        emptied first. Default: they stay, except when the deployment that made them fails
        (RETAIN_ON_UPDATE_OR_DELETE).
    intermediate_expiration
        How long what jobs wrote (``preprocessed/`` and ``jobs/``) is kept. Default: 30 days.
    noncurrent_expiration
        How long replaced and deleted versions are kept. Default: 30 days.
    log_expiration
        How long access logs are kept. Default: 90 days.
    event_bridge_enabled
        Tell EventBridge of every object. Default: False.
    encryption_key
        Encrypts the bucket. Default: a key of the store's own, which rotates.
    key_layout
        What keys begin with. Default: ``raw/``, ``preprocessor/``, ``preprocessed/``, ``jobs/``
        and ``models/``.
    replicate_to
        A store, of another region for instance, that gets a copy of every model and preprocessor
        within minutes; deletions stay here. Both stacks then say ``cross_region_references=True``.
        An endpoint there needs nothing from here. Default: no copies.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        intermediate_expiration: cdk.Duration | None = None,
        noncurrent_expiration: cdk.Duration | None = None,
        log_expiration: cdk.Duration | None = None,
        event_bridge_enabled: bool = False,
        encryption_key: kms.IKey | None = None,
        key_layout: KeyLayout | None = None,
        replicate_to: ModelStore | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.key_layout = key_layout or KeyLayout()
        raise_problems(self, self.key_layout.problems())
        # Access logs by bucket policy in every app: ACLs are off in buckets made today.
        self.node.set_context("@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy", True)
        month = cdk.Duration.days(30)
        emptied = removal_policy == cdk.RemovalPolicy.DESTROY
        self.key = encryption_key or kms.Key(
            self,
            "Key",
            description="Encrypts the model store",
            enable_key_rotation=True,
            removal_policy=removal_policy,
        )
        self.access_logs = s3.Bucket(
            self,
            "AccessLogs",
            # Log delivery cannot use a KMS key as the bucket's default encryption.
            encryption=s3.BucketEncryption.S3_MANAGED,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="ExpireLogs", expiration=log_expiration or cdk.Duration.days(90)
                )
            ],
            removal_policy=removal_policy,
            auto_delete_objects=emptied,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        )
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key,
            bucket_key_enabled=True,
            versioned=True,
            server_access_logs_bucket=self.access_logs,
            server_access_logs_prefix="model-store/",
            lifecycle_rules=_lifecycle_rules(
                self.key_layout, intermediate_expiration or month, noncurrent_expiration or month
            ),
            removal_policy=removal_policy,
            auto_delete_objects=emptied,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        )
        if replicate_to is not None:
            layout = self.key_layout
            replicate(
                self.bucket,
                prefixes=[layout.models, layout.preprocessor],
                destination=replicate_to.bucket,
                destination_key=replicate_to.key,
            )
        if event_bridge_enabled:
            _enable_event_bridge(self.bucket)
        self.bucket.add_to_resource_policy(_deny_overwrites(self.bucket, self.key_layout.models))
        keep_auto_delete_logs(self)
        self.grants = PrefixGrants(self.bucket)

    @staticmethod
    def from_bucket(bucket: s3.IBucket, key_layout: KeyLayout | None = None) -> ImportedModelStore:
        """A bucket that is there already, as a store.

        Nothing of it is changed: that keys below ``models/`` are written once, and that the
        bucket is encrypted and closed, is then up to its owner.
        """
        return ImportedModelStore(bucket, key_layout or KeyLayout())


def _enable_event_bridge(bucket: s3.Bucket) -> None:
    """By the bucket's own property: ``s3.Bucket`` would deploy a function to do it."""
    resource = bucket.node.default_child
    if isinstance(resource, s3.CfnBucket):
        resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(
                event_bridge_enabled=True
            )
        )


def _deny_overwrites(bucket: s3.Bucket, models: str) -> iam.PolicyStatement:
    """A model's key is written once: an endpoint may hold the old bytes of an overwritten one.

    Whoever writes below ``models/`` has to send ``If-None-Match: *``.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
    """
    return iam.PolicyStatement(
        sid="DenyOverwritesOfModels",
        effect=iam.Effect.DENY,
        principals=[iam.AnyPrincipal()],
        actions=["s3:PutObject"],
        resources=[bucket.arn_for_objects(f"{models}*")],
        conditions={
            "Null": {"s3:if-none-match": "true"},
            "Bool": {"s3:ObjectCreationOperation": "true"},
        },
    )


def _lifecycle_rules(
    layout: KeyLayout, intermediate: cdk.Duration, noncurrent: cdk.Duration
) -> list[s3.LifecycleRule]:
    everywhere = s3.LifecycleRule(
        id="ExpireUploadsAndOldVersions",
        abort_incomplete_multipart_upload_after=cdk.Duration.days(7),
        expired_object_delete_marker=True,
        noncurrent_version_expiration=noncurrent,
    )
    made_again = [
        s3.LifecycleRule(id=f"Expire{name}", prefix=str(prefix), expiration=intermediate)
        for name, prefix in (("Preprocessed", layout.preprocessed), ("Jobs", layout.jobs))
    ]
    return [everywhere, *made_again]

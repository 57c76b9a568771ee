"""The bucket that holds models, and what people and roles may do under each of its prefixes."""

from collections.abc import Iterator, Sequence
from enum import StrEnum

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from sagemaker_mme.auto_delete import keep_auto_delete_logs
from sagemaker_mme.problems import raise_problems


class Prefix(StrEnum):
    """The key layout of a model store."""

    RAW = "raw/"
    """Data as it came."""
    PREPROCESSOR = "preprocessor/"
    """Artifacts of preprocessors, each below the hash of its content."""
    PREPROCESSED = "preprocessed/"
    """What a preprocessor made of the raw data; may be made again, so it expires."""
    JOBS = "jobs/"
    """Inputs and outputs of jobs; what is worth keeping is copied from here, so it expires."""
    MODELS = "models/"
    """What a multi-model endpoint serves; the target model is the part of the key behind it."""


INTERMEDIATE = (Prefix.PREPROCESSED, Prefix.JOBS)


class PrefixGrants:
    """Permissions on single prefixes of a bucket.

    ``IBucket.grant_read`` also gives ``s3:GetBucket*`` and ``s3:List*`` of the whole bucket. These
    grants give ``s3:GetObject`` on the prefix, ``s3:ListBucket`` for keys under it, and use of the
    bucket's key.
    """

    def __init__(self, bucket: s3.IBucket) -> None:
        self._bucket = bucket

    def read(self, grantee: iam.IGrantable, *prefixes: str) -> iam.Grant:
        """Let ``grantee`` list and read the objects under ``prefixes``, each with its slash."""
        self._refuse_wide(prefixes)
        listing = iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["s3:ListBucket"],
            resource_arns=[self._bucket.bucket_arn],
            conditions={"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in prefixes]}},
        )
        reading = self._on_objects(grantee, ["s3:GetObject"], prefixes)
        return listing.combine(reading).combine(self._on_key(grantee, ["kms:Decrypt"]))

    def write(self, grantee: iam.IGrantable, *prefixes: str) -> iam.Grant:
        """Let ``grantee`` write objects under ``prefixes``, in parts too, but delete none."""
        self._refuse_wide(prefixes)
        writing = self._on_objects(grantee, ["s3:AbortMultipartUpload", "s3:PutObject"], prefixes)
        # SageMaker asks for kms:Encrypt where a job names the key of its output.
        key_actions = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"]
        return writing.combine(self._on_key(grantee, key_actions))

    def _on_objects(
        self, grantee: iam.IGrantable, actions: list[str], prefixes: Sequence[str]
    ) -> iam.Grant:
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=actions,
            resource_arns=[self._bucket.arn_for_objects(f"{prefix}*") for prefix in prefixes],
        )

    def _on_key(self, grantee: iam.IGrantable, actions: list[str]) -> iam.Grant:
        key = self._bucket.encryption_key
        if key is None:
            return iam.Grant.drop(grantee, "the bucket has no key of its own")
        return iam.Grant.add_to_principal(
            grantee=grantee, actions=actions, resource_arns=[key.key_arn]
        )

    def _refuse_wide(self, prefixes: Sequence[str]) -> None:
        raise_problems(self._bucket, prefix_problems(prefixes))


def prefix_problems(prefixes: Sequence[str]) -> Iterator[str]:
    """Why ``prefixes`` are not folders that can be granted."""
    if not prefixes:
        yield "no prefix given to grant; name at least one, such as 'models/'"
    for prefix in prefixes:
        if cdk.Token.is_unresolved(prefix):
            continue
        if not prefix.endswith("/") or prefix.startswith("/"):
            yield f"prefix '{prefix}' must end with a slash and not start with one"
        if "*" in prefix or "?" in prefix:
            yield f"prefix '{prefix}' holds a wildcard, which a policy would expand"


class ModelStore(Construct):
    """A private, encrypted, versioned bucket for models and what they are made from.

    :param removal_policy: what becomes of bucket and key when they leave the stack. With DESTROY
      the bucket is emptied first. Default: they stay, except when the deployment that made them
      fails (RETAIN_ON_UPDATE_OR_DELETE).
    :param intermediate_expiration: how long what jobs wrote (``preprocessed/`` and ``jobs/``) is
      kept. Default: 30 days.
    :param noncurrent_expiration: how long replaced and deleted versions are kept. Default: 30 days.
    :param log_expiration: how long access logs are kept. Default: 90 days.
    :param event_bridge_enabled: tell EventBridge of every object. Default: False.
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
    ) -> None:
        super().__init__(scope, construct_id)
        # Access logs by bucket policy in every app: ACLs are off in buckets made today.
        self.node.set_context("@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy", True)
        month = cdk.Duration.days(30)
        emptied = removal_policy == cdk.RemovalPolicy.DESTROY
        self.key = kms.Key(
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
                intermediate_expiration or month, noncurrent_expiration or month
            ),
            removal_policy=removal_policy,
            auto_delete_objects=emptied,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        )
        if event_bridge_enabled:
            _enable_event_bridge(self.bucket)
        self.bucket.add_to_resource_policy(_deny_overwrites(self.bucket))
        keep_auto_delete_logs(self)
        self.grants = PrefixGrants(self.bucket)


def _enable_event_bridge(bucket: s3.Bucket) -> None:
    """By the bucket's own property: ``s3.Bucket`` would deploy a function to do it."""
    resource = bucket.node.default_child
    if isinstance(resource, s3.CfnBucket):
        resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(
                event_bridge_enabled=True
            )
        )


def _deny_overwrites(bucket: s3.Bucket) -> iam.PolicyStatement:
    """A model's key is written once: an endpoint may hold the old bytes of an overwritten one.

    Whoever writes below ``models/`` has to send ``If-None-Match: *``.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
    """
    return iam.PolicyStatement(
        sid="DenyOverwritesOfModels",
        effect=iam.Effect.DENY,
        principals=[iam.AnyPrincipal()],
        actions=["s3:PutObject"],
        resources=[bucket.arn_for_objects(f"{Prefix.MODELS}*")],
        conditions={
            "Null": {"s3:if-none-match": "true"},
            "Bool": {"s3:ObjectCreationOperation": "true"},
        },
    )


def _lifecycle_rules(
    intermediate: cdk.Duration, noncurrent: cdk.Duration
) -> list[s3.LifecycleRule]:
    everywhere = s3.LifecycleRule(
        id="ExpireUploadsAndOldVersions",
        abort_incomplete_multipart_upload_after=cdk.Duration.days(7),
        expired_object_delete_marker=True,
        noncurrent_version_expiration=noncurrent,
    )
    made_again = [
        s3.LifecycleRule(
            id=f"Expire{prefix.name.title()}", prefix=str(prefix), expiration=intermediate
        )
        for prefix in INTERMEDIATE
    ]
    return [everywhere, *made_again]

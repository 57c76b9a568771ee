"""Copies of a bucket's objects in another bucket, of another region for instance."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

SETUP = (
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html"
)


def replicate(
    bucket: s3.Bucket,
    *,
    prefixes: Sequence[str],
    destination: s3.IBucket,
    destination_key: kms.IKey,
) -> None:
    """Copy new versions of the objects below ``prefixes``; deletions are not copied.

    The role is allowed what SETUP lists, on those prefixes. ``s3.Bucket`` would also name it in the
    policies of the destination, which one account does not need and which makes two stacks need
    each other.

    Raises
    ------
    TypeError
    """
    resource = bucket.node.default_child
    if not isinstance(resource, s3.CfnBucket):
        raise TypeError(f"the bucket's default child is {resource!r}, not a CfnBucket")
    role = _role(bucket, prefixes, destination, destination_key)
    rule = s3.CfnBucket.ReplicationRuleProperty
    resource.replication_configuration = s3.CfnBucket.ReplicationConfigurationProperty(
        role=role.role_arn,
        rules=[
            rule(
                id=f"Copy{number}",
                priority=number,
                status="Enabled",
                filter=s3.CfnBucket.ReplicationRuleFilterProperty(prefix=prefix),
                delete_marker_replication=s3.CfnBucket.DeleteMarkerReplicationProperty(
                    status="Disabled"
                ),
                source_selection_criteria=s3.CfnBucket.SourceSelectionCriteriaProperty(
                    sse_kms_encrypted_objects=s3.CfnBucket.SseKmsEncryptedObjectsProperty(
                        status="Enabled"
                    )
                ),
                destination=s3.CfnBucket.ReplicationDestinationProperty(
                    bucket=destination.bucket_arn,
                    encryption_configuration=s3.CfnBucket.EncryptionConfigurationProperty(
                        replica_kms_key_id=destination_key.key_arn
                    ),
                ),
            )
            for number, prefix in enumerate(prefixes, start=1)
        ],
    )


def _role(
    bucket: s3.Bucket, prefixes: Sequence[str], destination: s3.IBucket, destination_key: kms.IKey
) -> iam.Role:
    role = iam.Role(
        bucket,
        "Replication",
        description="S3 copies models to another bucket as this role",
        assumed_by=iam.ServicePrincipal(
            "s3.amazonaws.com",
            conditions={"StringEquals": {"aws:SourceAccount": cdk.Stack.of(bucket).account}},
        ),
    )
    allowed: list[tuple[list[str], list[str]]] = [
        (["s3:GetReplicationConfiguration", "s3:ListBucket"], [bucket.bucket_arn]),
        (
            [
                "s3:GetObjectVersionAcl",
                "s3:GetObjectVersionForReplication",
                "s3:GetObjectVersionTagging",
            ],
            [bucket.arn_for_objects(f"{prefix}*") for prefix in prefixes],
        ),
        (
            ["s3:ReplicateObject", "s3:ReplicateTags"],
            [destination.arn_for_objects(f"{prefix}*") for prefix in prefixes],
        ),
        (["kms:Encrypt"], [destination_key.key_arn]),
    ]
    if bucket.encryption_key is not None:
        allowed.append((["kms:Decrypt"], [bucket.encryption_key.key_arn]))
    for actions, resources in allowed:
        role.add_to_policy(iam.PolicyStatement(actions=actions, resources=resources))
    return role

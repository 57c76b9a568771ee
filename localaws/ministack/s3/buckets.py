"""The properties of ``AWS::S3::Bucket`` that MiniStack's CloudFormation drops.

Each becomes the S3 API's own request, which botocore writes as XML and MiniStack's S3 keeps; a
property that has no counterpart here is refused.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
"""

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, cast

from botocore.model import ListShape, ServiceModel, Shape, StructureShape
from botocore.serialize import create_serializer
from ministack.services import s3
from ministack.services.cloudformation import provisioners

from localaws.ministack import patches
from localaws.service_models import service_model

TYPE = "AWS::S3::Bucket"
SUPPORTED = frozenset(
    {
        "AccessControl",
        "BucketEncryption",
        "BucketName",
        "CorsConfiguration",
        "LifecycleConfiguration",
        "LoggingConfiguration",
        "NotificationConfiguration",
        "OwnershipControls",
        "PublicAccessBlockConfiguration",
        "ReplicationConfiguration",
        "Tags",
        "VersioningConfiguration",
        "WebsiteConfiguration",
    }
)

Answer = tuple[int, Mapping[str, str], Any]
Configuration = tuple[
    str, Callable[[Any], bytes], Callable[[str, bytes], None], Callable[[str], Answer]
]


def install() -> None:
    """Teach MiniStack the properties, to keep a bucket that is not empty, and S3's own key."""
    patches.replace(s3, "_resolve_sse_write_headers", _with_managed_key)
    patches.replace(
        provisioners, "_S3_BUCKET_CONFIGURATIONS", lambda known: (*known, *_configurations())
    )
    patches.table(provisioners, "_STACK_TAG_PROPERTY")[TYPE] = ("Tags", "list")
    handlers = patches.table(provisioners, "_RESOURCE_HANDLERS")[TYPE]
    create, update = handlers["create"], handlers["update"]

    def checked_create(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
        _refuse_unsupported(properties)
        return create(logical_id, properties, stack_name)

    def checked_update(
        physical_id: str, old: dict[str, Any], new: dict[str, Any], stack_name: str
    ) -> Any:
        _refuse_unsupported(new)
        return update(physical_id, old, new, stack_name)

    def delete(physical_id: str, properties: dict[str, Any]) -> None:
        _delete(physical_id)

    handlers |= {"create": checked_create, "update": checked_update, "delete": delete}


def _with_managed_key(resolve: Callable[..., Any]) -> Callable[..., Any]:
    """``aws:kms`` without a key id means the key aws/s3, which MiniStack refuses.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/specifying-kms-encryption.html
    """

    def resolve_write_headers(headers: Mapping[str, str], bucket: str) -> Any:
        algorithm = headers.get("x-amz-server-side-encryption")
        if algorithm == "aws:kms" and not headers.get(
            "x-amz-server-side-encryption-aws-kms-key-id"
        ):
            return {"x-amz-server-side-encryption": algorithm}, None
        return resolve(headers, bucket)

    return resolve_write_headers


def _configurations() -> list[Configuration]:
    """(property, its XML, how to put it, how to take it away), as MiniStack wants them."""
    return [
        (
            "BucketEncryption",
            _xml("PutBucketEncryption", "ServerSideEncryptionConfiguration", encryption),
            _put(s3._put_bucket_encryption),
            s3._delete_bucket_encryption,
        ),
        (
            "LifecycleConfiguration",
            _xml("PutBucketLifecycleConfiguration", "LifecycleConfiguration", lifecycle),
            _put(s3._put_bucket_lifecycle),
            s3._delete_bucket_lifecycle,
        ),
        (
            "LoggingConfiguration",
            _xml("PutBucketLogging", "BucketLoggingStatus", logging),
            _put(s3._put_bucket_logging),
            lambda bucket: s3._put_bucket_logging(bucket, b"<BucketLoggingStatus/>"),
        ),
        (
            "OwnershipControls",
            _xml("PutBucketOwnershipControls", "OwnershipControls", dict),
            _put(s3._put_bucket_ownership_controls),
            s3._delete_bucket_ownership_controls,
        ),
        (
            "ReplicationConfiguration",
            _xml("PutBucketReplication", "ReplicationConfiguration", replication),
            _put(s3._put_bucket_replication),
            s3._delete_bucket_replication,
        ),
        (
            "Tags",
            _xml("PutBucketTagging", "Tagging", lambda tags: {"TagSet": tags}),
            _put(s3._put_bucket_tagging),
            s3._delete_bucket_tagging,
        ),
        (
            "VersioningConfiguration",
            _xml("PutBucketVersioning", "VersioningConfiguration", dict),
            _put(s3._put_bucket_versioning),
            lambda bucket: s3._put_bucket_versioning(
                bucket,
                b"<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>",
            ),
        ),
    ]


def encryption(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """``BucketEncryption`` as PutBucketEncryption takes it."""
    rules = [
        _renamed(rule, ServerSideEncryptionByDefault="ApplyServerSideEncryptionByDefault")
        for rule in configuration["ServerSideEncryptionConfiguration"]
    ]
    return {"Rules": rules}


def logging(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """``LoggingConfiguration`` as PutBucketLogging takes it."""
    enabled = {"TargetPrefix": "", **configuration}
    names = {"DestinationBucketName": "TargetBucket", "LogFilePrefix": "TargetPrefix"}
    return {"LoggingEnabled": _renamed(enabled, **names)}


def replication(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """``ReplicationConfiguration`` as PutBucketReplication takes it."""
    return {**configuration, "Rules": [_replication_rule(r) for r in configuration["Rules"]]}


def _replication_rule(properties: Mapping[str, Any]) -> dict[str, Any]:
    rule = _numbers(_renamed(properties, Id="ID"))
    destination = dict(rule["Destination"])
    if key := destination.get("EncryptionConfiguration"):
        destination["EncryptionConfiguration"] = _renamed(key, ReplicaKmsKeyId="ReplicaKmsKeyID")
    return {**rule, "Destination": destination}


def lifecycle(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """``LifecycleConfiguration`` as PutBucketLifecycleConfiguration takes it."""
    return {"Rules": [_lifecycle_rule(rule) for rule in configuration["Rules"]]}


def _lifecycle_rule(properties: Mapping[str, Any]) -> dict[str, Any]:
    rule = _renamed(properties, Id="ID")
    expiration = {
        member: rule.pop(name)
        for name, member in (
            ("ExpirationInDays", "Days"),
            ("ExpirationDate", "Date"),
            ("ExpiredObjectDeleteMarker", "ExpiredObjectDeleteMarker"),
        )
        if name in rule
    }
    if expiration:
        rule["Expiration"] = _numbers(expiration)
    if "NoncurrentVersionExpirationInDays" in rule:
        days = rule.pop("NoncurrentVersionExpirationInDays")
        rule["NoncurrentVersionExpiration"] = {"NoncurrentDays": days}
    if "NoncurrentVersionExpiration" in rule:
        rule["NoncurrentVersionExpiration"] = _numbers(rule["NoncurrentVersionExpiration"])
    if "AbortIncompleteMultipartUpload" in rule:
        rule["AbortIncompleteMultipartUpload"] = _numbers(rule["AbortIncompleteMultipartUpload"])
    rule["Filter"] = {"Prefix": rule.pop("Prefix", "")}
    for name, days in (("Transitions", "Days"), ("NoncurrentVersionTransitions", "NoncurrentDays")):
        if name in rule:
            rule[name] = [_numbers(_renamed(t, TransitionInDays=days)) for t in rule[name]]
    return rule


def _renamed(properties: Mapping[str, Any], **names: str) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in properties.items()}


def _numbers(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers that a template wrote as text."""
    return {
        name: int(value) if isinstance(value, str) and value.isdigit() else value
        for name, value in properties.items()
    }


def _xml(
    operation: str, member: str, convert: Callable[[Any], dict[str, Any]]
) -> Callable[[Any], bytes]:
    """The body of an S3 request; botocore refuses members that the API does not know."""

    def write(value: Any) -> bytes:
        model = _s3_model().operation_model(operation)
        serializer = create_serializer(model.metadata["protocol"])
        shape = cast(StructureShape, model.input_shape).members[member]
        sent = _with_texts(shape, convert(value))
        request = serializer.serialize_to_request({"Bucket": "bucket", member: sent}, model)
        body = request["body"]
        return body if isinstance(body, bytes) else body.encode()

    return write


def _with_texts(shape: Shape, value: Any) -> Any:
    """Numbers and booleans of a template where the API has text."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        members = shape.members
        return {
            name: _with_texts(members[name], each) if name in members else each
            for name, each in value.items()
        }
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_with_texts(shape.member, each) for each in value]
    if shape.type_name == "string" and isinstance(value, bool | int | float):
        return json.dumps(value)
    return value


@cache
def _s3_model() -> ServiceModel:
    return service_model("s3")


def _put(put: Callable[[str, bytes], Answer]) -> Callable[[str, bytes], None]:
    """A put whose refusal fails the stack."""

    def put_checked(bucket: str, body: bytes) -> None:
        status, _, answer = put(bucket, body)
        if status >= 400:
            raise ValueError(f"bucket {bucket}: {answer!r}")

    return put_checked


def _refuse_unsupported(properties: Mapping[str, Any]) -> None:
    unknown = sorted(properties.keys() - SUPPORTED)
    if unknown:
        raise ValueError(f"{TYPE}: property {unknown[0]} is not available here")
    if properties.get("AccessControl", "Private") not in ("Private", "LogDeliveryWrite"):
        raise ValueError(f"{TYPE}: AccessControl {properties['AccessControl']} is not available")


def _delete(bucket: str) -> None:
    """Delete an empty bucket, or one that is gone already."""
    status, _, answer = s3._delete_bucket(bucket)
    if status >= 400 and status != 404:
        raise ValueError(f"bucket {bucket}: {answer!r}")

"""What S3 refuses of objects, uploads and lists of them.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
"""

import base64
from collections.abc import Mapping
from urllib.parse import parse_qsl

from localaws.admission.account import Account
from localaws.admission.rule import Parameters, Rule, in_turn, invalid
from localaws.admission.services.s3_errors import invalid_argument, malformed_xml
from localaws.admission.services.tags import check_tags
from localaws.errors import AwsError

METADATA_BYTES = 2048
CHECKSUM_BYTES = {"CRC32": 4, "CRC32C": 4, "CRC64NVME": 8, "SHA1": 20, "SHA256": 32}
PART_BYTES = 5 * 1024 * 1024


def _delete_objects(parameters: Parameters, account: Account) -> None:
    objects = parameters.get("Delete", {}).get("Objects", [])
    if not 1 <= len(objects) <= 1000:
        raise malformed_xml()


def _key_of_object(parameters: Parameters, account: Account) -> None:
    _object_key(parameters, account)
    algorithm = parameters.get("ServerSideEncryption")
    key = parameters.get("SSEKMSKeyId")
    if key is None:
        return
    if algorithm not in ("aws:kms", "aws:kms:dsse"):
        raise invalid_argument(
            "Server Side Encryption with AWS KMS managed key requires HTTP header"
            " x-amz-server-side-encryption : aws:kms"
        )
    if not account.key_exists(key):
        raise AwsError("KMS.NotFoundException", f"Key '{key}' does not exist")


def _object_key(parameters: Parameters, account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html."""
    if len(str(parameters.get("Key", "")).encode("utf-8", "replace")) > 1024:
        raise AwsError("KeyTooLongError", "Your key is too long")


def _write_object(parameters: Parameters, account: Account) -> None:
    metadata: Mapping[str, str] = parameters.get("Metadata") or {}
    size = sum(len(name.encode()) + len(value.encode()) for name, value in metadata.items())
    if size > METADATA_BYTES:
        raise AwsError(
            "MetadataTooLarge",
            "Your metadata headers exceed the maximum allowed metadata size"
            f" ({size} bytes; {METADATA_BYTES} are allowed)",
        )
    pairs = parse_qsl(parameters.get("Tagging") or "", keep_blank_values=True)
    check_tags([{"Key": key, "Value": value} for key, value in pairs], "Object", 10)
    key = account.record("key", parameters.get("SSEKMSKeyId") or "")
    if key is not None and key["KeyState"] == "Disabled":
        raise AwsError("KMS.DisabledException", f"{key['Arn']} is disabled.")
    if key is not None and key["KeyState"] != "Enabled":
        text = f"{key['Arn']} is pending deletion."
        raise AwsError("KMS.KMSInvalidStateException", text)


def _checksums(parameters: Parameters, account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html."""
    for algorithm, size in CHECKSUM_BYTES.items():
        text = parameters.get(f"Checksum{algorithm}")
        try:
            right = text is None or len(base64.b64decode(text, validate=True)) == size
        except ValueError:
            right = False
        if not right:
            name = f"x-amz-checksum-{algorithm.lower()}"
            raise invalid(f"Value for {name} header is invalid.", "InvalidRequest")


def _condition(parameters: Parameters, account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html."""
    if parameters.get("IfNoneMatch", "*") != "*":
        text = "A header you provided implies functionality that is not implemented"
        raise AwsError("NotImplemented", text, 501)


def _list_objects(parameters: Parameters, account: Account) -> None:
    most = parameters.get("MaxKeys")
    if most is not None and (not isinstance(most, int) or most < 0):
        name = "max-keys"
        raise invalid_argument(f"Argument {name} must be an integer between 0 and 2147483647")
    if parameters.get("VersionIdMarker") and not parameters.get("KeyMarker"):
        text = "A version-id marker cannot be specified without a key marker."
        raise invalid_argument(text)


def _list_uploads(parameters: Parameters, account: Account) -> None:
    for member, name in (("MaxUploads", "max-uploads"), ("MaxParts", "max-parts")):
        most = parameters.get(member, 0)
        if not isinstance(most, int) or most < 0:
            raise invalid_argument(f"Argument {name} must be an integer between 0 and 2147483647")


def _get_object(parameters: Parameters, account: Account) -> None:
    number = parameters.get("PartNumber")
    if number is None:
        return
    if "Range" in parameters:
        raise AwsError(
            "InvalidRequest", "Cannot specify both Range header and partNumber query parameter"
        )
    if not isinstance(number, int) or not 1 <= number <= 10000:
        raise invalid_argument("Part number must be an integer between 1 and 10000, inclusive")
    bucket = account.record("bucket", parameters["Bucket"]) or {"objects": {}}
    there = bucket["objects"].get(parameters["Key"])
    if there is not None and number > 1 and not there.get("parts"):
        raise AwsError("InvalidPartNumber", "The requested partnumber is not satisfiable", 416)


def _upload_part(parameters: Parameters, account: Account) -> None:
    number = parameters.get("PartNumber")
    if not isinstance(number, int) or not 1 <= number <= 10000:
        raise invalid_argument("Part number must be an integer between 1 and 10000, inclusive")


def _copy_object(parameters: Parameters, account: Account) -> None:
    source = str(parameters.get("CopySource", "")).lstrip("/")
    changing = {
        "MetadataDirective", "StorageClass", "WebsiteRedirectLocation", "ServerSideEncryption",
        "SSEKMSKeyId", "TaggingDirective", "SSECustomerAlgorithm", "ChecksumAlgorithm",
    }  # fmt: skip
    if source == f"{parameters['Bucket']}/{parameters['Key']}" and not changing & set(parameters):
        raise invalid(
            "This copy request is illegal because it is trying to copy an object to itself without"
            " changing the object's metadata, storage class, website redirect location or"
            " encryption attributes.",
            "InvalidRequest",
        )


def _some_parts(parameters: Parameters, account: Account) -> None:
    if not parameters.get("MultipartUpload", {}).get("Parts"):
        raise invalid("You must specify at least one part", "MalformedXML")


def _complete_upload(parameters: Parameters, account: Account) -> None:
    asked = parameters.get("MultipartUpload", {}).get("Parts") or []
    numbers = [part.get("PartNumber") for part in asked]
    if not all(isinstance(number, int) for number in numbers):
        return
    if numbers != sorted(set(numbers)):
        raise AwsError(
            "InvalidPartOrder",
            "The list of parts was not in ascending order. Parts must be ordered by part number.",
        )
    upload = account.record("upload", parameters["UploadId"])
    sizes = {} if upload is None else upload["sizes"]
    for number in numbers[:-1]:
        if sizes.get(number, PART_BYTES) < PART_BYTES:
            text = "Your proposed upload is smaller than the minimum allowed size"
            raise AwsError("EntityTooSmall", text)


RULES: Mapping[tuple[str, str], Rule] = {
    ("s3", "CompleteMultipartUpload"): in_turn(_condition, _some_parts, _complete_upload),
    ("s3", "CopyObject"): in_turn(_key_of_object, _copy_object, _write_object),
    ("s3", "CreateMultipartUpload"): in_turn(_key_of_object, _write_object),
    ("s3", "DeleteObjects"): _delete_objects,
    ("s3", "ListObjectVersions"): _list_objects,
    ("s3", "GetObject"): _get_object,
    ("s3", "HeadObject"): _get_object,
    ("s3", "ListMultipartUploads"): _list_uploads,
    ("s3", "ListObjects"): _list_objects,
    ("s3", "ListObjectsV2"): _list_objects,
    ("s3", "ListParts"): _list_uploads,
    ("s3", "PutObject"): in_turn(_key_of_object, _checksums, _condition, _write_object),
    ("s3", "UploadPart"): in_turn(_upload_part, _checksums),
    ("s3", "UploadPartCopy"): _upload_part,
}

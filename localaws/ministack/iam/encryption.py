"""The KMS keys behind S3 objects, and what whoever reads or writes them needs of a key.

What a bucket encrypts objects with by default is read once from its configuration, not each time.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from xml.etree import ElementTree

from ministack.services import s3

from iam_policy import ContextValue
from localaws.ministack import patches

_KEY_HEADER = "x-amz-server-side-encryption-aws-kms-key-id"
_READS = frozenset({"s3:GetObject", "s3:GetObjectVersion"})
_CONFIGURATIONS = 256

Headers = Mapping[str, str]


def install() -> None:
    """Put it in MiniStack's place."""
    patches.replace(s3, "_bucket_default_sse_headers", _remembering)


def _remembering(headers_of: Callable[[str], Headers]) -> Callable[[str], Headers]:
    @lru_cache(_CONFIGURATIONS)
    def read(bucket: str, configuration: str | bytes) -> Headers:
        return headers_of(bucket)

    def headers(bucket: str) -> Headers:
        configuration = s3._bucket_encryption.get(bucket)
        return dict(read(bucket, configuration)) if configuration else {}

    return headers


@dataclass(frozen=True)
class KeyUse:
    """A permission on a key; who lacks it may not read or write the object."""

    action: str
    key_arn: str
    context: dict[str, ContextValue]


def key_use(action: str, object_arn: str, account_id: str, region: str) -> KeyUse | None:
    """What an S3 action needs of a customer's key; None for other actions and other keys."""
    bucket, _, key = object_arn.removeprefix("arn:aws:s3:::").partition("/")
    if action in _READS:
        key_id, key_action = _key_of_object(bucket, key, account_id), "kms:Decrypt"
    elif action == "s3:PutObject":
        key_id, key_action = default_key(bucket, account_id), "kms:GenerateDataKey"
    else:
        return None
    if not key_id:
        return None
    prefix = f"arn:aws:kms:{region}:{account_id}:key/"
    context: dict[str, ContextValue] = {
        "kms:ViaService": f"s3.{region}.amazonaws.com",
        "kms:CallerAccount": account_id,
        "kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{bucket}",
    }
    return KeyUse(key_action, key_id if key_id.startswith("arn:") else prefix + key_id, context)


def default_key(bucket: str, account_id: str) -> str | None:
    """The KMS key of a bucket's default encryption; None for keys that S3 manages."""
    configuration = s3._bucket_encryption.get_scoped(account_id, None, bucket)
    return None if configuration is None else _key_in(configuration)


@lru_cache(_CONFIGURATIONS)
def _key_in(configuration: str | bytes) -> str | None:
    root = ElementTree.fromstring(configuration)  # noqa: S314 - checked when it was put
    found = (element for element in root.iter() if element.tag.endswith("KMSMasterKeyID"))
    return next((element.text for element in found), None)


def _key_of_object(bucket: str, key: str, account_id: str) -> str | None:
    record = s3._buckets.get_scoped(account_id, None, bucket) or {"objects": {}}
    headers = (record["objects"].get(key) or {}).get("preserved_headers") or {}
    key_id: str | None = headers.get(_KEY_HEADER)
    return key_id

"""What KMS refuses."""

import base64
import re
from collections.abc import Mapping

from localaws.admission import policies
from localaws.admission.account import Account
from localaws.admission.rule import Parameters, Rule, in_turn, invalid
from localaws.admission.services.tags import reserved_tags
from localaws.errors import AwsError

SYMMETRIC = "SYMMETRIC_DEFAULT"
_ALIAS = re.compile(r"alias/[a-zA-Z0-9/_-]{1,250}", re.ASCII)


def _put_key_policy(parameters: Parameters, account: Account) -> None:
    if "Policy" in parameters:
        policies.check_key_policy(
            parameters["Policy"],
            account,
            may_lock_out=parameters.get("BypassPolicyLockoutSafetyCheck") is True,
        )


def _schedule_key_deletion(parameters: Parameters, account: Account) -> None:
    days = parameters.get("PendingWindowInDays", 30)
    if not 7 <= days <= 30:
        raise AwsError("ValidationException", f"PendingWindowInDays {days} is not between 7 and 30")


def _create_alias(parameters: Parameters, account: Account) -> None:
    if not _ALIAS.fullmatch(parameters["AliasName"]):
        raise invalid(
            f"1 validation error detected: Value '{parameters['AliasName']}' at 'aliasName' failed"
            f" to satisfy constraint: Member must satisfy regular expression pattern:"
            f" {_ALIAS.pattern}"
        )
    if parameters["AliasName"].startswith("alias/aws/"):
        text = "Alias names that begin with alias/aws/ are reserved"
        raise invalid(text, "NotAuthorizedException")


def _policy_name(parameters: Parameters, account: Account) -> None:
    if parameters.get("PolicyName", "default") != "default":
        raise invalid("No such policy exists", "NotFoundException")


def _decrypt(parameters: Parameters, account: Account) -> None:
    """What MiniStack encrypts begins with the id of the key."""
    if "CiphertextBlob" not in parameters:
        raise invalid(
            "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy"
            " constraint: Member must not be null"
        )
    asked = account.record("key", parameters.get("KeyId") or "")
    try:
        used = base64.b64decode(parameters["CiphertextBlob"])[:36].decode()
    except ValueError:
        return
    key = account.record("key", used)
    if asked is not None and key is not None and asked["KeyId"] != key["KeyId"]:
        text = "The key ID in the request does not identify a CMK that can perform this operation."
        raise invalid(text, "IncorrectKeyException")


def _encrypt(parameters: Parameters, account: Account) -> None:
    text = parameters.get("Plaintext")
    if isinstance(text, str) and len(text.rstrip("=")) * 3 // 4 > 4096:
        raise invalid(
            "1 validation error detected: Value at 'plaintext' failed to satisfy constraint:"
            " Member must have length less than or equal to 4096"
        )


def _data_key(parameters: Parameters, account: Account) -> None:
    given = parameters.keys() & {"KeySpec", "NumberOfBytes"}
    if len(given) != 1:
        raise invalid("Please specify either number of bytes or key spec.")


def _create_key(parameters: Parameters, account: Account) -> None:
    spec = parameters.get("KeySpec") or parameters.get("CustomerMasterKeySpec") or SYMMETRIC
    usage = parameters.get("KeyUsage", "ENCRYPT_DECRYPT")
    usages = {"SYMMETRIC": ("ENCRYPT_DECRYPT",), "RSA": ("ENCRYPT_DECRYPT", "SIGN_VERIFY"),
              "ECC": ("SIGN_VERIFY", "KEY_AGREEMENT"),
              "HMAC": ("GENERATE_VERIFY_MAC",)}  # fmt: skip
    if usage not in usages.get(spec.partition("_")[0], (usage,)):
        text = f"KeyUsage {usage} is not compatible with KeySpec {spec}"
        raise AwsError("ValidationException", text)


def _target_of_alias(parameters: Parameters, account: Account) -> None:
    key = parameters["TargetKeyId"]
    if not account.key_exists(key):
        raise invalid(f"Key '{key}' does not exist", "NotFoundException")


def _key_usable(parameters: Parameters, account: Account) -> None:
    name = parameters.get("TargetKeyId") or parameters["KeyId"]
    _check_state(account, name, "PendingDeletion", wanted=False)


def _grant(parameters: Parameters, account: Account) -> None:
    if "GranteePrincipal" not in parameters:
        raise invalid("localaws has no grants to services: GranteePrincipal is needed here.")
    principal = parameters["GranteePrincipal"]
    if not principal.startswith("arn:"):
        raise AwsError("InvalidArnException", f"Invalid ARN: {principal}")
    of_account = principal.startswith(f"arn:aws:iam::{account.account_id}:")
    if of_account and not principal.endswith(":root") and not account.principal_exists(principal):
        text = f"ARN does not refer to a valid principal: {principal}"
        raise AwsError("InvalidArnException", text)


def _cancel_deletion(parameters: Parameters, account: Account) -> None:
    _check_state(account, parameters["KeyId"], "PendingDeletion", wanted=True)


def _check_state(account: Account, name: str, state: str, *, wanted: bool) -> None:
    key = account.record("key", name)
    if key is None or (key["KeyState"] == state) == wanted:
        return
    text = "is" if not wanted else "is not"
    arn = f"arn:aws:kms:{account.region}:{account.account_id}:key/{key['KeyId']}"
    raise AwsError("KMSInvalidStateException", f"{arn} {text} pending deletion.")


def _rotation(parameters: Parameters, account: Account) -> None:
    key = account.record("key", parameters["KeyId"])
    if key is not None and key.get("KeySpec", SYMMETRIC) != SYMMETRIC:
        raise AwsError("UnsupportedOperationException", "The key is not symmetric.")


def _used_for(usage: str, member: str) -> Rule:
    """A key is for one use, and its algorithms are those of its kind."""

    def rule(parameters: Parameters, account: Account) -> None:
        key = account.record("key", parameters.get("KeyId") or "")
        if key is None:
            return
        is_for, spec = key.get("KeyUsage", "ENCRYPT_DECRYPT"), key.get("KeySpec", SYMMETRIC)
        algorithm = parameters.get(member, "")
        fits = usage != "ENCRYPT_DECRYPT" or (algorithm or SYMMETRIC) == SYMMETRIC
        if is_for != usage or (spec == SYMMETRIC and not fits):
            raise AwsError(
                "InvalidKeyUsageException",
                f"{key.get('Arn', key['KeyId'])} key usage is {is_for} and its key spec {spec},"
                f" which is not valid for {algorithm or usage}.",
            )

    return rule


def _list_aliases(parameters: Parameters, account: Account) -> None:
    key = parameters.get("KeyId")
    if key is not None and account.record("key", key) is None:
        raise AwsError("NotFoundException", f"Key '{key}' does not exist")


_ENCRYPTING = _used_for("ENCRYPT_DECRYPT", "EncryptionAlgorithm")
_SIGNING = _used_for("SIGN_VERIFY", "SigningAlgorithm")
_AUTHENTICATING = _used_for("GENERATE_VERIFY_MAC", "MacAlgorithm")
_TAGS = reserved_tags("Tags", "TagKey", "TagException")


RULES: Mapping[tuple[str, str], Rule] = {
    ("kms", "CancelKeyDeletion"): _cancel_deletion,
    ("kms", "CreateAlias"): in_turn(_create_alias, _key_usable, _target_of_alias),
    ("kms", "Decrypt"): _decrypt,
    ("kms", "DisableKey"): _key_usable,
    ("kms", "DisableKeyRotation"): _key_usable,
    ("kms", "EnableKey"): _key_usable,
    ("kms", "GetKeyPolicy"): _policy_name,
    ("kms", "UpdateKeyDescription"): _key_usable,
    ("kms", "CreateGrant"): _grant,
    ("kms", "CreateKey"): in_turn(_TAGS, _put_key_policy, _create_key),
    ("kms", "EnableKeyRotation"): in_turn(_key_usable, _rotation),
    ("kms", "Encrypt"): in_turn(_encrypt, _ENCRYPTING),
    ("kms", "GenerateDataKey"): in_turn(_data_key, _ENCRYPTING),
    ("kms", "GenerateMac"): _AUTHENTICATING,
    ("kms", "ListAliases"): _list_aliases,
    ("kms", "PutKeyPolicy"): in_turn(_policy_name, _put_key_policy),
    ("kms", "ScheduleKeyDeletion"): in_turn(_schedule_key_deletion, _key_usable),
    ("kms", "Sign"): _SIGNING,
    ("kms", "TagResource"): in_turn(_TAGS, _key_usable),
    ("kms", "UpdateAlias"): _key_usable,
    ("kms", "Verify"): _SIGNING,
    ("kms", "VerifyMac"): _AUTHENTICATING,
}

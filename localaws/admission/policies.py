"""Rules for policy documents: IAM's quotas, and what S3 and KMS ask of their own policies.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from iam_policy import (
    PolicyError,
    PolicySet,
    PolicyType,
    Principal,
    Request,
    evaluate,
    parse_policy,
)
from iam_policy.patterns import Patterns, tokenize
from localaws.admission.account import Account
from localaws.errors import AwsError

MANAGED_POLICY_SIZE = 6144
TRUST_POLICY_SIZE = 2048
INLINE_SIZES = {"User": 2048, "Group": 5120, "Role": 10240}
"""Characters without white space, of all inline policies of one user, group or role together."""
BUCKET_POLICY_SIZE = 20 * 1024
KEY_POLICY_SIZE = 32 * 1024
ATTACHED_POLICIES = 10
POLICY_VERSIONS = 5
ACCESS_KEYS = 2
MOST = {"Role": 1000, "User": 5000, "Group": 300, "Policy": 1500}
"""How many of a kind an account may have."""

Parameters = dict[str, Any]
_OF_OBJECTS = re.compile(
    r"(abort|listmultipartuploadparts|bypass|restore|replicate|objectowner)\w*"
    r"|(get|put|delete|update)object(?!lockconfiguration)\w*"
)
"""https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html"""
_SERVICE = re.compile(r"[a-z0-9.-]+\.(amazonaws\.com(\.cn)?|aws\.internal)|[a-z0-9-]+\.amazon\.com")
_PRINCIPAL = re.compile(r"arn:[a-z-]+:iam::(\d{12}):(role|user)/.+")


def size(document: str) -> int:
    """The size of a policy as IAM counts it: without white space."""
    return len("".join(document.split()))


def check_identity_policy(document: str) -> None:
    """Refuse a malformed identity-based policy.

    Raises
    ------
    AwsError
        MalformedPolicyDocument.
    """
    _parse(document, PolicyType.IDENTITY, "MalformedPolicyDocument")


def check_managed_policy(document: str) -> None:
    """Refuse a managed policy that is malformed or too long.

    Raises
    ------
    AwsError
    """
    if size(document) > MANAGED_POLICY_SIZE:
        raise exceeded("PolicySize", MANAGED_POLICY_SIZE)
    check_identity_policy(document)


def check_inline_policy(kind: str, name: str, policy: str, document: str, account: Account) -> None:
    """Refuse an inline policy that is malformed or one too many for its owner."""
    owner = account.owner(kind, name)
    if owner is None:
        return  # the service says so, and in its own words
    others = sum(size(text) for key, text in owner.inline.items() if key != policy)
    check_inline_size(kind, name, others + size(document))
    check_identity_policy(document)


def check_inline_size(kind: str, name: str, total: int) -> None:
    """Refuse inline policies of a user, group or role that are too long together.

    Raises
    ------
    AwsError
    """
    if total > INLINE_SIZES[kind]:
        text = f"Maximum policy size of {INLINE_SIZES[kind]} bytes exceeded for"
        raise AwsError("LimitExceeded", f"{text} {kind.lower()} {name}", 409)


def check_attached(kind: str, count: int) -> None:
    """Refuse more attached managed policies than a user, group or role may have.

    Raises
    ------
    AwsError
    """
    if count > ATTACHED_POLICIES:
        raise exceeded(f"PoliciesPer{kind}", ATTACHED_POLICIES)


def check_managed_exists(arn: str, account: Account) -> None:
    """Refuse the ARN of a managed policy that does not exist. Raises NoSuchEntity.

    Raises
    ------
    AwsError
    """
    if account.policy_versions(arn) is None:
        text = f"Policy {arn} does not exist or is not attachable."
        raise AwsError("NoSuchEntity", text, 404)


def check_trust_policy(document: str, account: Account) -> None:
    """Refuse a role trust policy that is malformed, too long, or trusts nobody that exists.

    Raises
    ------
    AwsError
    """
    if size(document) > TRUST_POLICY_SIZE:
        raise exceeded("ACLSizePerRole", TRUST_POLICY_SIZE)
    _parse(document, PolicyType.TRUST, "MalformedPolicyDocument")
    for statement in _statements(document):
        for action in _texts(statement.get("Action")):
            if action != "*" and not action.lower().startswith("sts:"):
                raise AwsError(
                    "MalformedPolicyDocument",
                    f"AssumeRole policy may only specify STS AssumeRole actions, not {action}",
                )
    for kind, value in _unknown_principals(document, account):
        text = f'Invalid principal in policy: "{kind.upper()}":"{value}"'
        raise AwsError("MalformedPolicyDocument", text)


def check_bucket_policy(bucket: str, document: str, account: Account) -> None:
    """Refuse a bucket policy that S3 would not store.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html

    Raises
    ------
    AwsError
    """
    if len(document.encode()) > BUCKET_POLICY_SIZE:
        text = f"Policy exceeds the maximum allowed document size of {BUCKET_POLICY_SIZE} bytes"
        raise AwsError("MalformedPolicy", text)
    _parse(document, PolicyType.RESOURCE, "MalformedPolicy")
    arn = f"arn:aws:s3:::{bucket}"
    for statement in _statements(document):
        for action in _texts(statement.get("Action"), statement.get("NotAction")):
            if not _is_s3_action(action):
                raise AwsError("MalformedPolicy", f"Policy has invalid action: {action}")
        for resource in _texts(statement.get("Resource"), statement.get("NotResource")):
            if resource.partition("/")[0] != arn and not _may_match(resource, arn):
                raise AwsError("MalformedPolicy", f"Policy has invalid resource: {resource}")
        _check_applies(statement)
    for kind, value in _unknown_principals(document, account):
        text = f'Invalid principal in policy: "{kind}":"{value}"'
        raise AwsError("MalformedPolicy", text)


def _check_applies(statement: Parameters) -> None:
    """An action on objects needs a resource that has some, one on a bucket the bucket."""
    resources = [*_texts(statement.get("Resource"))]
    for action in _texts(statement.get("Action")) if resources else ():
        name = action.partition(":")[2].lower()
        if "*" in name or "?" in name:
            continue
        if _OF_OBJECTS.fullmatch(name):
            applies = any("/" in resource or "*" in resource for resource in resources)
        else:
            applies = any("/" not in resource for resource in resources)
        if not applies:
            text = "Action does not apply to any resource(s) in statement"
            raise AwsError("MalformedPolicy", text)


def check_key_policy(document: str, account: Account, *, may_lock_out: bool) -> None:
    """Refuse a key policy that KMS would not store, or with which nobody could change it again.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html

    Raises
    ------
    AwsError
    """
    code = "MalformedPolicyDocumentException"
    if len(document.encode()) > KEY_POLICY_SIZE:
        text = (
            f"Policy is {len(document.encode())} bytes long; at most {KEY_POLICY_SIZE} are allowed"
        )
        raise AwsError("LimitExceededException", text)
    policy = _parse(document, PolicyType.RESOURCE, code)
    for kind, value in _unknown_principals(document, account):
        text = "Policy contains a statement with one or more invalid principals"
        raise AwsError(code, f'{text}: "{kind}":"{value}"')
    caller = account.caller_arn()
    if may_lock_out or caller is None:
        return
    # The root of the account stands for whoever its IAM policies allow, the caller among them.
    asked = (Principal(caller, account.account_id), _root(account))
    arn = f"arn:aws:kms:{account.region}:{account.account_id}:key/new"
    policies = PolicySet(resource=policy, resource_must_allow=True)
    if not any(
        evaluate(policies, Request("kms:PutKeyPolicy", arn, principal)).allowed
        for principal in asked
    ):
        text = "The new key policy will not allow you to update the key policy in the future."
        raise AwsError(code, text)


def check_resource_policy(document: str, account: Account, code: str) -> None:
    """Refuse a malformed policy of a resource, and principals of the account that do not exist.

    Raises
    ------
    AwsError
        With ``code``.
    """
    _parse(document, PolicyType.RESOURCE, code)
    for kind, value in _unknown_principals(document, account):
        raise AwsError(code, f'Invalid principal in policy: "{kind}":"{value}"')


def exceeded(quota: str, most: int) -> AwsError:
    """The error for one more than a quota allows."""
    return AwsError("LimitExceeded", f"Cannot exceed quota for {quota}: {most}", 409)


def _root(account: Account) -> Principal:
    return Principal(f"arn:aws:iam::{account.account_id}:root", account.account_id)


def _parse(document: str, kind: PolicyType, code: str) -> Any:
    try:
        return parse_policy(document, "document", kind)
    except PolicyError as error:
        raise AwsError(code, str(error)) from None


def _statements(document: str) -> list[dict[str, Any]]:
    """The statements of a document that parses."""
    blocks = json.loads(document)["Statement"]
    return blocks if isinstance(blocks, list) else [blocks]


def _texts(*elements: Any) -> Iterator[str]:
    for element in elements:
        if isinstance(element, str):
            yield element
        elif isinstance(element, list):
            yield from element


def _unknown_principals(document: str, account: Account) -> Iterator[tuple[str, str]]:
    """The principals of a policy that are nobody: users and roles of this account, services."""
    for statement in _statements(document):
        element = statement.get("Principal", statement.get("NotPrincipal"))
        if not isinstance(element, dict):
            continue
        for value in _texts(element.get("AWS")):
            named = _PRINCIPAL.fullmatch(value)
            if named and named[1] == account.account_id and not account.principal_exists(value):
                yield "AWS", value
        for value in _texts(element.get("Service")):
            if not _SERVICE.fullmatch(value):
                yield "Service", value


@cache
def _s3_actions() -> frozenset[str]:
    text = files("localaws.admission").joinpath("s3_actions.txt").read_text()
    return frozenset(text.lower().split())


def _is_s3_action(action: str) -> bool:
    """Whether S3 knows the action; a pattern has to stand for one that it knows."""
    if action == "*":
        return True
    service, _, name = action.lower().partition(":")
    if service not in ("s3", "s3-object-lambda"):
        return False
    return (
        any(_may_match(name, known) for known in _s3_actions())
        if _is_pattern(name)
        else (name in _s3_actions())
    )


def _is_pattern(text: str) -> bool:
    return "*" in text or "?" in text


def _may_match(pattern: str, text: str) -> bool:
    """Whether a pattern stands for the text, or for something below it."""
    patterns = Patterns([tokenize(pattern, wildcards=True, variables=False)])
    return patterns.match(text, {}) or patterns.match(f"{text}/x", {})

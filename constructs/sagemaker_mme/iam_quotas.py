"""What IAM allows of a role's policies, counted while the app is synthesized.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

INLINE_POLICY_CHARACTERS = 10_240
"""Of all inline policies of a role together, white space not counted."""
MANAGED_POLICY_CHARACTERS = 6_144
"""Of one managed policy, white space not counted."""
MANAGED_POLICIES = 10
"""Attached to one role, unless the account's quota was raised."""
TRUST_POLICY_CHARACTERS = 2_048
"""Of a role's trust policy, unless the account's quota was raised."""
_PSEUDO_PARAMETERS = {
    "AWS::AccountId": "1" * 12,
    "AWS::Partition": "aws",
    "AWS::Region": "ap-southeast-1",
}
_STATEMENT_CHARACTERS = 400
"""What a statement has beside its patterns, at most: the ARN of an endpoint is 128."""
_DENIALS_CHARACTERS = 800
_UNKNOWN = "x" * 64
"""For a name that CloudFormation draws."""


def quota_problems(role: iam.Role) -> Iterator[str]:
    """Why IAM would refuse the role's policies, as far as they are known by now."""
    stack = cdk.Stack.of(role)
    policy = role.node.try_find_child("DefaultPolicy")
    if isinstance(policy, iam.Policy):
        size = policy_characters(stack.resolve(policy.document))
        if size > INLINE_POLICY_CHARACTERS:
            yield (
                f"its policy has {size:,} characters, and IAM allows {INLINE_POLICY_CHARACTERS:,};"
                " use fewer or shorter patterns, or the tenant role, which has one for all"
            )
    if role.assume_role_policy is not None:
        size = policy_characters(stack.resolve(role.assume_role_policy))
        if size > TRUST_POLICY_CHARACTERS:
            yield (
                f"its trust policy has {size:,} characters, and IAM allows"
                f" {TRUST_POLICY_CHARACTERS:,} unless the account's quota was raised;"
                " let fewer or shorter principals assume it"
            )


def managed_policy_parts(patterns: Sequence[str]) -> list[list[str]]:
    """``patterns`` in parts, each of which fits a managed policy with one statement."""
    room = MANAGED_POLICY_CHARACTERS - _STATEMENT_CHARACTERS
    parts: list[list[str]] = [[]]
    size = 0
    for pattern in patterns:
        characters = policy_characters(pattern) + 1
        if size + characters > room and parts[-1]:
            parts.append([])
            size = 0
        parts[-1].append(pattern)
        size += characters
    return parts


def managed_policy_problems(parts: Sequence[Sequence[str]]) -> Iterator[str]:
    """Why a role cannot have that many managed policies."""
    if len(parts) > MANAGED_POLICIES:
        yield (
            f"its patterns fill {len(parts)} managed policies, and a role has"
            f" {MANAGED_POLICIES} unless the account's quota was raised; use fewer or shorter"
            " patterns, or the tenant role, which has one for all"
        )


def fits_inline(patterns: Sequence[str], times: int) -> bool:
    """Whether statements with ``times`` copies of the patterns fit a role's inline policy."""
    size = sum(policy_characters(pattern) + 1 for pattern in patterns)
    return times * (size + _STATEMENT_CHARACTERS) + _DENIALS_CHARACTERS <= INLINE_POLICY_CHARACTERS


def policy_characters(document: Any) -> int:
    """The characters of a resolved policy, as IAM counts them: without white space."""
    return len(json.dumps(_deployed(document), separators=(",", ":")))


def _deployed(value: Any) -> Any:
    """A resolved value with text in the place of CloudFormation's functions."""
    match value:
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(str(_deployed(part)) for part in parts)
        case {"Ref": name}:
            return _PSEUDO_PARAMETERS.get(name, _UNKNOWN)
        case {"Fn::GetAtt": _} | {"Fn::GetStackOutput": _} | {"Fn::ImportValue": _}:
            return _UNKNOWN
        case dict():
            return {key: _deployed(item) for key, item in value.items()}
        case list():
            return [_deployed(item) for item in value]
    return value

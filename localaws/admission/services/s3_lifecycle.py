"""Lifecycle rules that S3 refuses.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from localaws.admission.account import Account
from localaws.admission.rule import Parameters, Rule, in_turn, invalid
from localaws.admission.services.s3_errors import invalid_argument, malformed_xml
from localaws.errors import AwsError

_CLASSES = ("STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER",
            "DEEP_ARCHIVE")  # fmt: skip
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html"""
_ACTIONS = (
    "Expiration",
    "Transitions",
    "NoncurrentVersionExpiration",
    "NoncurrentVersionTransitions",
    "AbortIncompleteMultipartUpload",
)


def _put_lifecycle(parameters: Parameters, account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html."""
    rules = parameters.get("LifecycleConfiguration", {}).get("Rules", [])
    if not rules or len(rules) > 1000:
        raise malformed_xml()
    names = [rule["ID"] for rule in rules if rule.get("ID")]
    if len(set(names)) < len(names):
        raise invalid_argument("Rule ID must be unique. Found same ID for more than one rule")
    for rule in rules:
        _check_lifecycle_rule(rule)


def _check_lifecycle_rule(rule: Parameters) -> None:
    if not any(rule.get(action) for action in _ACTIONS):
        raise AwsError("InvalidRequest", "At least one action needs to be specified in a rule")
    expiration = rule.get("Expiration", {})
    if expiration and len(expiration.keys() & {"Date", "Days", "ExpiredObjectDeleteMarker"}) != 1:
        raise malformed_xml()
    for transition in rule.get("Transitions", ()):
        if len(transition.keys() & {"Date", "Days"}) != 1 or "StorageClass" not in transition:
            raise malformed_xml()
    if ("Filter" in rule) == ("Prefix" in rule):
        raise malformed_xml()
    if len(rule.get("Filter", {})) > 1:
        raise malformed_xml()
    by_tag = rule.get("Filter", {}).keys() & {"Tag", "And"}
    if by_tag and "AbortIncompleteMultipartUpload" in rule:
        text = "AbortIncompleteMultipartUpload cannot be specified with Tags."
        raise AwsError("InvalidRequest", text)
    _check_order(rule.get("Transitions", ()))
    aborted = rule.get("AbortIncompleteMultipartUpload", {})
    numbers = (
        ("'Days' for Expiration action", expiration.get("Days")),
        ("'DaysAfterInitiation'", aborted.get("DaysAfterInitiation")),
        (
            "'NoncurrentDays' for NoncurrentVersionExpiration action",
            rule.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays"),
        ),
        (
            "'NewerNoncurrentVersions' for NoncurrentVersionExpiration action",
            rule.get("NoncurrentVersionExpiration", {}).get("NewerNoncurrentVersions"),
        ),
    )
    for name, days in numbers:
        if days is not None and (not isinstance(days, int) or days < 1):
            raise invalid_argument(f"{name} must be a positive integer")


def _check_order(transitions: Sequence[Parameters]) -> None:
    """Objects go from warm classes to cold ones, never back."""
    ordered = sorted(
        (each["Days"], _CLASSES.index(each["StorageClass"]), each["StorageClass"])
        for each in transitions
        if isinstance(each.get("Days"), int) and each.get("StorageClass") in _CLASSES
    )
    for (_, warmth, name), (_, next_warmth, next_name) in pairwise(ordered):
        if next_warmth <= warmth:
            raise invalid_argument(
                f"'Days' in the Transition action for StorageClass '{name}' must be greater than"
                f" 'Days' in the Transition action for StorageClass '{next_name}'"
            )


def _transition_days(parameters: Parameters, account: Account) -> None:
    for rule in parameters.get("LifecycleConfiguration", {}).get("Rules", ()):
        if len(rule.get("ID", "")) > 255:
            raise invalid("ID length should not exceed allowed limit of 255", "InvalidArgument")
        for transition in rule.get("Transitions", ()):
            days, storage = transition.get("Days"), transition.get("StorageClass")
            if storage in ("STANDARD_IA", "ONEZONE_IA") and isinstance(days, int) and days < 30:
                raise invalid(
                    f"'Days' in Transition action must be greater than or equal to 30 for"
                    f" storageClass '{storage}'",
                    "InvalidArgument",
                )


def _dates(parameters: Parameters, account: Account) -> None:
    for rule in parameters.get("LifecycleConfiguration", {}).get("Rules", ()):
        expiration = rule.get("Expiration") or {}
        transitions = rule.get("Transitions") or ()
        for action in (expiration, *transitions):
            at = action.get("Date")
            if isinstance(at, int | float) and datetime.fromtimestamp(at, UTC).hour:
                raise AwsError("InvalidArgument", "'Date' must be at midnight GMT")
        days = expiration.get("Days")
        for transition in transitions:
            if _both_int(days, transition.get("Days")) and days <= transition["Days"]:
                raise AwsError(
                    "InvalidArgument",
                    "'Days' in the Expiration action must be greater than 'Days' in the Transition"
                    " action",
                )


def _both_int(*values: Any) -> bool:
    return all(isinstance(value, int) for value in values)


RULES: Mapping[tuple[str, str], Rule] = {
    ("s3", "PutBucketLifecycleConfiguration"): in_turn(_put_lifecycle, _transition_days, _dates),
}

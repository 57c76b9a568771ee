"""Every condition operator, as documented.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

import pytest

from iam_policy.conditions import OPERATORS
from tests.unit.iam_policy.builders import condition_holds

KEY = "aws:Key"

# operator, policy value, a request value that equals it, one that does not
EXAMPLES = [
    ("StringEquals", "a", "a", "A"),
    ("StringNotEquals", "a", "A", "a"),
    ("StringEqualsIgnoreCase", "Ab", "aB", "b"),
    ("StringNotEqualsIgnoreCase", "Ab", "b", "aB"),
    ("StringLike", "a*c?", "abbcd", "abbc"),
    ("StringNotLike", "a*c?", "abbc", "abbcd"),
    ("NumericEquals", "1.10", "1.1", "1.11"),
    ("NumericNotEquals", "1.10", "1.11", "1.1"),
    ("NumericLessThan", "10", "9.99", "10"),
    ("NumericLessThanEquals", "10", "10.0", "10.01"),
    ("NumericGreaterThan", "10", "11", "10"),
    ("NumericGreaterThanEquals", "10", "10", "9"),
    ("DateEquals", "2020-01-01T00:00:00Z", "2020-01-01T01:00:00+01:00", "2020-01-01T00:00:01Z"),
    ("DateNotEquals", "2020-01-01T00:00:00Z", "2020-01-02", "2020-01-01"),
    ("DateLessThan", "2020", "2019-12-31T23:59:59Z", "2020-01-01T00:00Z"),
    ("DateLessThanEquals", "1577836800", "2020-01-01T00:00:00Z", "2020-01-01T00:00:00.1Z"),
    ("DateGreaterThan", "2020-01", "1577836801", "1577836800"),
    ("DateGreaterThan", "2020", "1000000000000000000000", "-1000000000000000000000"),
    ("DateGreaterThanEquals", "2020-01-01", "2020-01-01", "2019-12-31"),
    ("Bool", "true", "True", "false"),
    ("BinaryEquals", "QmluYXJ5VmFsdWVJbkJhc2U2NA==", "QmluYXJ5VmFsdWVJbkJhc2U2NA==", "QQ=="),
    ("IpAddress", "203.0.113.0/24", "203.0.113.7", "203.0.114.7"),
    ("IpAddress", "203.0.113.7", "203.0.113.7", "203.0.113.8"),
    ("IpAddress", "2001:DB8:1234:5678::/64", "2001:db8:1234:5678::1", "203.0.113.7"),
    ("NotIpAddress", "203.0.113.0/24", "2001:db8::1", "203.0.113.255"),
    ("ArnEquals", "arn:aws:sns:*:1:t?", "arn:aws:sns:eu-west-1:1:t1", "arn:aws:sns:eu-west-1:1:t"),
    ("ArnLike", "arn:aws:s3:::b/*", "arn:aws:s3:::b/k:with:colons", "arn:aws:s3:us-east-1::b/k"),
    ("ArnNotEquals", "arn:aws:sns:*:1:t", "arn:aws:sns:x:2:t", "arn:aws:sns:x:1:t"),
    ("ArnNotLike", "arn:aws:sns:*:1:t", "not an ARN", "arn:aws:sns:x:1:t"),
]
OPERATOR_NAMES = sorted(OPERATORS)
NEGATED = [name for name in OPERATOR_NAMES if "Not" in name]
POSITIVE = [name for name in OPERATOR_NAMES if "Not" not in name]


def example(operator: str) -> tuple[str, str, str]:
    return next(rest for name, *rest in EXAMPLES if name == operator)  # type: ignore[return-value]


def test_every_operator_has_an_example() -> None:
    assert {name for name, *_ in EXAMPLES} == set(OPERATORS)


@pytest.mark.parametrize(("operator", "wanted", "matching", "other"), EXAMPLES)
def test_operator(operator: str, wanted: str, matching: str, other: str) -> None:
    assert condition_holds(operator, KEY, wanted, {KEY: matching})
    assert not condition_holds(operator, KEY, wanted, {KEY: other})


@pytest.mark.parametrize("operator", POSITIVE)
def test_a_missing_key_never_satisfies_a_positive_operator(operator: str) -> None:
    wanted, _, _ = example(operator)
    assert not condition_holds(operator, KEY, wanted, {})


@pytest.mark.parametrize("operator", NEGATED)
def test_a_missing_key_satisfies_a_negated_operator(operator: str) -> None:
    wanted, _, _ = example(operator)
    assert condition_holds(operator, KEY, wanted, {})


@pytest.mark.parametrize("operator", OPERATOR_NAMES)
def test_with_if_exists_a_missing_key_satisfies_every_operator(operator: str) -> None:
    wanted, _, other = example(operator)
    assert condition_holds(f"{operator}IfExists", KEY, wanted, {})
    assert not condition_holds(f"{operator}IfExists", KEY, wanted, {KEY: other})


@pytest.mark.parametrize("operator", POSITIVE)
def test_a_value_of_another_type_never_satisfies_a_positive_operator(operator: str) -> None:
    wanted, _, _ = example(operator)
    assert not condition_holds(operator, KEY, wanted, {KEY: "\N{SNOWMAN}"})


def test_a_string_pattern_spans_the_parts_of_an_arn_and_an_arn_pattern_does_not() -> None:
    """The example of the section "Amazon Resource Name (ARN) condition operators"."""
    pattern = "arn:aws:someservice:*:111122223333:finance/*"
    arn = "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt"
    assert condition_holds("StringLike", KEY, pattern, {KEY: arn})
    assert not condition_holds("ArnLike", KEY, pattern, {KEY: arn})


def test_an_address_of_the_other_version_is_in_no_range() -> None:
    assert not condition_holds("IpAddress", KEY, "0.0.0.0/0", {KEY: "::1"})


@pytest.mark.parametrize(
    ("written", "found"), [(True, "true"), (False, "false")], ids=["true", "false"]
)
def test_booleans_need_no_quotation_marks(written: bool, found: str) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html"""
    assert condition_holds("Bool", KEY, written, {KEY: found})


def test_numbers_need_no_quotation_marks() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html"""
    assert condition_holds("NumericLessThanEquals", KEY, 10, {KEY: "10"})


def test_several_values_of_a_negated_operator_are_joined_by_nor() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html"""
    assert not condition_holds("StringNotEquals", KEY, ["a", "b"], {KEY: "b"})
    assert condition_holds("StringNotEquals", KEY, ["a", "b"], {KEY: "c"})


def test_a_pattern_of_many_stars_is_matched_quickly() -> None:
    pattern, value = "*a" * 40 + "*b", "a" * 2000
    assert not condition_holds("StringLike", KEY, pattern, {KEY: value})

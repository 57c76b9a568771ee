"""Set operators over keys with several values.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
"""

import pytest

from tests.unit.iam_policy.builders import condition_holds

KEY = "dynamodb:Attributes"
WANTED = ["PostDateTime", "Message", "Tags"]


@pytest.mark.parametrize(
    ("operator", "found", "holds"),
    [
        ("ForAllValues:StringEquals", ["PostDateTime", "Message"], True),
        ("ForAllValues:StringEquals", ["PostDateTime", "UserName"], False),
        ("ForAllValues:StringEquals", [], True),
        ("ForAllValues:StringEquals", [""], True),
        ("ForAllValues:StringEquals", "", True),
        ("ForAnyValue:StringEquals", ["UserName", "PostDateTime"], True),
        ("ForAnyValue:StringEquals", ["UserName"], False),
        ("ForAnyValue:StringEquals", [], False),
        ("ForAnyValue:StringLike", [""], False),
        ("ForAllValues:StringNotEquals", ["UserName", "ID"], True),
        ("ForAllValues:StringNotEquals", ["UserName", "Tags"], False),
        ("ForAnyValue:StringNotEquals", ["UserName", "Tags"], True),
        ("ForAnyValue:StringNotEquals", ["Message", "Tags"], False),
        ("ForAnyValue:StringNotEquals", [], False),
        ("ForAnyValue:StringEqualsIfExists", [], False),
        ("ForAnyValue:StringEqualsIfExists", ["UserName"], False),
        ("StringEquals", ["UserName", "Tags"], True),
        ("StringNotEquals", ["UserName", "Tags"], False),
        ("StringNotEquals", ["UserName", "ID"], True),
    ],
)
def test_set_operator(operator: str, found: str | list[str], holds: bool) -> None:
    assert condition_holds(operator, KEY, WANTED, {KEY: found}) is holds


def test_a_key_without_values_is_null() -> None:
    assert condition_holds("Null", KEY, "true", {KEY: []})
    assert condition_holds("Null", KEY, "false", {KEY: ["a"]})

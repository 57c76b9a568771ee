"""What DynamoDB refuses of an update because of the types of what it meets."""

from typing import Any

import pytest
from ministack.services import dynamodb

from localaws.ministack.dynamodb import updates

ITEM: dict[str, Any] = {
    "city": {"S": "Chicago"},
    "count": {"N": "1"},
    "list": {"L": [{"S": "a"}]},
    "map": {"M": {"deep": {"N": "1"}}},
}
ONE, TEXT, LIST = {"N": "1"}, {"S": "1"}, {"L": [{"S": "b"}]}


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    updates.install()


def updated(expression: str, value: dict[str, Any]) -> dict[str, Any]:
    names = {"#count": "count", "#list": "list", "#map": "map"}
    item, _ = dynamodb._apply_update_expression(ITEM, expression, {":v": value}, names)
    return {name: value for name, value in item.items() if ITEM.get(name) != value}


@pytest.mark.parametrize(
    ("expression", "value", "changed"),
    [
        ("SET #count = #count + :v", ONE, {"count": {"N": "2"}}),
        ("SET #count = (if_not_exists(seen, :v) - :v)", ONE, {"count": {"N": "0"}}),
        ("SET #list = list_append(#list, :v)", LIST, {"list": {"L": [{"S": "a"}, {"S": "b"}]}}),
        ("SET #list[0] = :v", ONE, {"list": {"L": [{"N": "1"}]}}),
        ("SET #map.city = :v", TEXT, {"map": {"M": {"deep": {"N": "1"}, "city": {"S": "1"}}}}),
    ],
)
def test_what_fits_is_done(expression: str, value: dict[str, Any], changed: dict[str, Any]) -> None:
    assert updated(expression, value) == changed


@pytest.mark.parametrize(
    ("expression", "value", "reason"),
    [
        ("SET city = city + :v", ONE, "An operand in the update expression has an incorrect data"),
        ("SET city = :v - city", ONE, "An operand in the update expression has an incorrect data"),
        (
            "SET city = (city + :v)",
            ONE,
            "An operand in the update expression has an incorrect data",
        ),
        ("SET #count = #count + :v", TEXT, r"operator or function: \+, operand type: S"),
        ("SET city = (if_not_exists(city, :v)) + :v", ONE, "has an incorrect data type"),
        ("SET #list = list_append(#list, :v)", TEXT, "function: list_append, operand type: S"),
        ("SET #list = list_append(#count, :v)", LIST, "has an incorrect data type"),
        ("SET city.part = :v", ONE, "path provided in the update expression is invalid"),
        ("SET #map.deep.part = :v", ONE, "path provided in the update expression is invalid"),
        ("SET #map[0] = :v", ONE, "path provided in the update expression is invalid"),
        ("SET #list.part = :v", ONE, "path provided in the update expression is invalid"),
    ],
)
def test_what_does_not_is_refused(expression: str, value: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        updated(expression, value)

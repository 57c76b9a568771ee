"""Conditions of templates."""

from typing import Any

import pytest

from localaws.ministack.cloudformation.conditions import evaluate_conditions


def test_a_condition_may_stand_for_another_one() -> None:
    conditions = {"A": {"Fn::Not": [{"Condition": "B"}]}, "B": {"Fn::Equals": ["a", "a"]}}
    assert evaluate_conditions({"Conditions": conditions}, {}) == {"A": False, "B": True}


@pytest.mark.parametrize(
    "conditions",
    [
        {"A": {"Condition": "A"}},
        {"A": {"Fn::Not": [{"Condition": "B"}]}, "B": {"Condition": "A"}},
        {"A": {"Fn::And": [{"Condition": "A"}, {"Condition": "A"}]}},
    ],
)
def test_conditions_that_stand_for_each_other_are_refused(conditions: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Circular dependency of condition A"):
        evaluate_conditions({"Conditions": conditions}, {})

"""How many instances a policy wants."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.autoscaling.scaler import step_capacity, tracking_capacity


@pytest.mark.parametrize(
    ("current", "value", "wanted"),
    [(1, 100, 1), (1, 101, 2), (2, 450, 9), (4, 90, 4), (4, 50, 2), (3, 0, 0)],
)
def test_tracking_shares_the_load_so_that_each_instance_gets_the_target(
    current: int, value: float, wanted: int
) -> None:
    assert tracking_capacity(current, value, target=100) == wanted


@given(st.integers(1, 100), st.integers(0, 10**9), st.integers(1, 10**6))
def test_tracking_never_leaves_an_instance_above_its_target(
    current: int, value: int, target: int
) -> None:
    wanted = tracking_capacity(current, value, target)
    assert wanted * target >= current * value


STEPS = [
    {"MetricIntervalUpperBound": -20, "ScalingAdjustment": -2},
    {"MetricIntervalLowerBound": -20, "MetricIntervalUpperBound": 0, "ScalingAdjustment": -1},
    {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 10, "ScalingAdjustment": 1},
    {"MetricIntervalLowerBound": 10, "ScalingAdjustment": 3},
]


@pytest.mark.parametrize(
    ("breach", "wanted"), [(0, 6), (9.9, 6), (10, 8), (500, 8), (-0.1, 4), (-20, 3), (-30, 3)]
)
def test_the_step_that_holds_the_breach_changes_the_capacity(breach: float, wanted: int) -> None:
    assert step_capacity(5, breach, {"StepAdjustments": STEPS}) == wanted


def test_without_a_step_for_the_breach_nothing_changes() -> None:
    assert step_capacity(5, -5, {"StepAdjustments": STEPS[2:]}) == 5


def test_an_exact_capacity_replaces_the_current_one() -> None:
    steps = [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 7}]
    assert step_capacity(5, 1, {"AdjustmentType": "ExactCapacity", "StepAdjustments": steps}) == 7


@pytest.mark.parametrize(
    ("current", "percent", "members", "wanted"),
    [
        (10, 25, {}, 12),
        (10, -25, {}, 8),
        (2, 10, {}, 3),
        (2, -10, {}, 1),
        (10, 10, {"MinAdjustmentMagnitude": 4}, 14),
        (10, 0, {}, 10),
    ],
)
def test_a_percentage_is_rounded_toward_zero_but_changes_one_at_least(
    current: int, percent: int, members: dict[str, Any], wanted: int
) -> None:
    configuration = {
        "AdjustmentType": "PercentChangeInCapacity",
        "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": percent}],
        **members,
    }
    assert step_capacity(current, 1, configuration) == wanted

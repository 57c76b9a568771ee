"""Alarms: the states that CloudWatch's documentation names, missing data included."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.ministack.cloudwatch.alarm_state import AlarmRule, AlarmState, MissingData, next_state

THRASH = AlarmRule("GreaterThanOrEqualToThreshold", 20, 2, "notBreaching")


@pytest.mark.parametrize(
    ("comparison", "value", "state"),
    [
        ("GreaterThanOrEqualToThreshold", 5.0, "ALARM"),
        ("GreaterThanThreshold", 5.0, "OK"),
        ("GreaterThanThreshold", 5.1, "ALARM"),
        ("LessThanThreshold", 5.0, "OK"),
        ("LessThanThreshold", 4.9, "ALARM"),
        ("LessThanOrEqualToThreshold", 5.0, "ALARM"),
    ],
)
def test_a_datapoint_breaches_on_the_wrong_side_of_the_threshold(
    comparison: str, value: float, state: AlarmState
) -> None:
    assert next_state(AlarmRule(comparison, 5), [value], "OK") == state


def test_one_breaching_period_of_two_is_no_alarm() -> None:
    assert next_state(THRASH, [0.0, 79.0], "OK") == "OK"


def test_two_breaching_periods_of_two_are_an_alarm() -> None:
    assert next_state(THRASH, [30.0, 49.0], "OK") == "ALARM"


def test_two_of_three_periods_suffice_when_the_alarm_says_so() -> None:
    assert next_state(THRASH, [30.0, 0.0, 49.0], "OK") == "ALARM"


def test_an_alarm_ends_when_its_data_end_and_missing_data_do_not_breach() -> None:
    assert next_state(THRASH, [None, None], "ALARM") == "OK"


@pytest.mark.parametrize(
    ("missing_data", "state"),
    [
        ("missing", "INSUFFICIENT_DATA"),
        ("ignore", "ALARM"),
        ("breaching", "ALARM"),
        ("notBreaching", "OK"),
    ],
)
def test_an_alarm_without_any_data_does_what_it_says_of_missing_data(
    missing_data: MissingData, state: AlarmState
) -> None:
    rule = AlarmRule("GreaterThanThreshold", 5, 2, missing_data)
    assert next_state(rule, [None, None], "ALARM") == state


@given(
    st.lists(st.floats(0, 100), min_size=1, max_size=5),
    st.sampled_from(["missing", "ignore", "breaching", "notBreaching"]),
    st.sampled_from(["OK", "ALARM", "INSUFFICIENT_DATA"]),
)
def test_with_all_data_present_their_treatment_when_missing_makes_no_difference(
    values: list[float], missing_data: MissingData, current: AlarmState
) -> None:
    rule = AlarmRule("GreaterThanThreshold", 50, len(values), missing_data)
    expected = "ALARM" if min(values) > 50 else "OK"
    assert next_state(rule, values, current) == expected

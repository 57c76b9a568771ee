"""The ranges of a tuning job: which are refused, and which values they give."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.jobs.tuning.ranges import Range, RangeError, read_ranges

POSITIONS = st.floats(0, 1)
SCALES = st.sampled_from(["Auto", "Linear", "Logarithmic"])


def numeric(kind: str, low: object, high: object, **members: str) -> dict[str, Any]:
    range_ = {"Name": "n", "MinValue": str(low), "MaxValue": str(high), **members}
    return {f"{kind}ParameterRanges": [range_]}


def read(given: dict[str, Any]) -> Range:
    (found,) = read_ranges(given)
    return found


@given(st.integers(1, 10**9), st.integers(1, 10**9), SCALES, POSITIONS)
def test_a_whole_number_is_within_its_range(
    low: int, width: int, scale: str, position: float
) -> None:
    found = read(numeric("Integer", low, low + width, ScalingType=scale))
    value = found.value(position)
    assert low <= int(value) <= low + width
    assert value == str(int(value))


@given(st.floats(1e-9, 1e9), st.floats(1e-6, 1e9), SCALES, POSITIONS)
def test_a_number_is_within_its_range_and_where_it_was_asked_for(
    low: float, width: float, scale: str, position: float
) -> None:
    high = low + width
    found = read(numeric("Continuous", low, high, ScalingType=scale))
    value = found.value(position)
    assert low <= float(value) <= high
    if width > low * 1e-3:
        assert found.features(value)[0] == pytest.approx(position, abs=1e-6)


@pytest.mark.parametrize(
    ("scale", "middle"),
    [("Linear", 0.50005), ("Logarithmic", 0.01), ("Auto", 0.01), ("ReverseLogarithmic", 0.99)],
)
def test_the_middle_of_a_range_is_the_middle_of_its_scale(scale: str, middle: float) -> None:
    low, high = (0.0, 0.9999) if scale == "ReverseLogarithmic" else (0.0001, 1)
    found = read(numeric("Continuous", low, high, ScalingType=scale))
    assert float(found.value(0.5)) == pytest.approx(middle)


def test_both_ends_of_a_range_of_whole_numbers_are_as_likely_as_the_others() -> None:
    found = read(numeric("Integer", 1, 4, ScalingType="Linear"))
    drawn = [found.value((step + 0.5) / 1000) for step in range(1000)]
    assert [drawn.count(number) for number in "1234"] == [250, 250, 250, 250]


def test_a_category_is_as_it_was_given() -> None:
    found = read({"CategoricalParameterRanges": [{"Name": "n", "Values": ['"a"', "b", ""]}]})
    assert [found.value(position) for position in (0.0, 0.5, 1.0)] == ['"a"', "b", ""]


@pytest.mark.parametrize(
    ("ranges", "reason"),
    [
        (numeric("Integer", 5, 5), "MinValue of n is 5: it must be less than MaxValue, 5"),
        (numeric("Integer", "1.5", 5), "MinValue of n is '1.5': it must be an integer"),
        (numeric("Integer", 1, "9" * 256), "it must be an integer of at most 1e+15"),
        (numeric("Continuous", "nan", 5), "MinValue of n is 'nan': it must be a number"),
        (numeric("Continuous", 0, "inf"), "MaxValue of n is 'inf': it must be a number"),
        (
            numeric("Continuous", 0, 1, ScalingType="Logarithmic"),
            "Logarithmic of n is for values greater than 0; MinValue is 0",
        ),
        (
            numeric("Continuous", 0, 1, ScalingType="ReverseLogarithmic"),
            "ReverseLogarithmic of n is for 0 <= x < 1; the range is 0.0 to 1.0",
        ),
        (
            numeric("Integer", 0, 1, ScalingType="ReverseLogarithmic"),
            "ReverseLogarithmic of n is for continuous ranges only",
        ),
        (
            {"CategoricalParameterRanges": [{"Name": "n", "Values": ["a", "a"]}]},
            "The values of n are not all different: a, a",
        ),
    ],
)
def test_a_range_that_cannot_be_searched_is_refused(ranges: dict[str, Any], reason: str) -> None:
    with pytest.raises(RangeError) as refused:
        read_ranges(ranges)
    assert reason in str(refused.value)

"""Drift: the population stability index of columns."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.drift import SHIFTED, describe, stability_index, stability_indices

NUMBERS = [float(number) for number in range(1000)]


def test_the_same_rows_have_index_0() -> None:
    assert stability_index(describe(NUMBERS), NUMBERS) == pytest.approx(0)
    assert stability_index(describe(["y", "n", "n"]), ["n", "y", "n"]) == pytest.approx(0)


def test_two_bins_that_swap_their_shares_have_the_index_of_the_formula() -> None:
    described = describe(["y"] * 80 + ["n"] * 20)
    index = stability_index(described, ["y"] * 20 + ["n"] * 80)
    assert index == pytest.approx(2 * (0.8 - 0.2) * math.log(0.8 / 0.2))


def test_numbers_beyond_all_that_was_seen_are_shifted() -> None:
    assert stability_index(describe(NUMBERS), [5000.0] * 50) > SHIFTED


def test_a_value_that_was_never_seen_counts() -> None:
    assert stability_index(describe(["y", "n"]), ["maybe"] * 10) > SHIFTED


def test_a_column_of_one_value_is_described() -> None:
    assert stability_index(describe([3.0] * 10), [3.0] * 5) == pytest.approx(0)


def test_columns_that_one_side_lacks_are_left_out() -> None:
    described = {"A": describe(NUMBERS), "B": describe(NUMBERS)}
    assert stability_indices(described, {"A": NUMBERS, "C": NUMBERS}).keys() == {"A"}


@given(
    st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=60),
    st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=60),
)
def test_the_index_is_never_negative_and_shares_add_up(
    before: list[float], after: list[float]
) -> None:
    described = describe(before)
    assert sum(described["shares"]) == pytest.approx(1)
    assert stability_index(described, after) >= 0

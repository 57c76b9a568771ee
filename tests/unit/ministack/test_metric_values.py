"""Values of metrics, summed up: the statistics that CloudWatch would tell of all of them."""

import json
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.ministack.cloudwatch.metric_values import FINE_SECONDS, MOST_VALUES, Period, Values

NOW = 1_800_000_000
positive = st.floats(min_value=1e-3, max_value=1e9)


def period_of(values: list[float]) -> Period:
    period = Period()
    for value in values:
        period.add(value)
    return period


def put(metric: Values, second: float, *values: float) -> None:
    for value in values:
        metric.at(second, "None").add(value)


@given(st.lists(positive, min_size=1, max_size=100), st.integers(0, 100))
def test_percentiles_of_few_values_are_exact(values: list[float], percent: int) -> None:
    found = period_of(values).statistic(f"p{percent}")
    assert found == pytest.approx(float(np.percentile(values, percent)))


@pytest.mark.parametrize("percent", [1, 50, 90, 99, 99.9])
def test_percentiles_of_many_values_are_right_within_a_few_percent(percent: float) -> None:
    drawn = random.Random(1)
    values = [drawn.lognormvariate(8, 1) for _ in range(50_000)]
    period = period_of(values)
    assert period.values is not None
    assert len(period.values) <= MOST_VALUES
    exact = float(np.percentile(values, percent))
    assert period.statistic(f"p{percent}") == pytest.approx(exact, rel=0.04)
    assert period.statistic("Sum") == pytest.approx(sum(values))
    assert period.statistic("Maximum") == max(values)


@given(st.lists(positive, min_size=1, max_size=50), st.lists(positive, min_size=1, max_size=50))
def test_merged_periods_are_one_of_all_values(left: list[float], right: list[float]) -> None:
    both = period_of(left)
    both.merge(period_of(right))
    together = period_of(left + right)
    for name in ("SampleCount", "Sum", "Average", "Minimum", "Maximum", "p50", "p99"):
        assert both.statistic(name) == pytest.approx(together.statistic(name))


def test_there_are_no_percentiles_of_negative_values_nor_of_statistic_sets() -> None:
    assert period_of([-1.0, 2.0]).statistic("p50") is None
    of_set = Period()
    of_set.add_set(4, 10, 1, 4)
    assert (of_set.statistic("p50"), of_set.statistic("Average")) == (None, 2.5)
    of_set_of_equals = Period()
    of_set_of_equals.add_set(3, 6, 2, 2)
    assert of_set_of_equals.statistic("p50") == 2


def test_a_period_is_the_same_from_its_row() -> None:
    period = period_of([1.0, 2.5, 2.5])
    again = Period.of_row(json.loads(json.dumps(period.as_row())))
    assert (again.as_row(), again.values) == (period.as_row(), {1.0: 1.0, 2.5: 2.0})
    again.add(1.0)
    assert again.values == {1.0: 2.0, 2.5: 2.0}


def test_a_row_of_before_is_read() -> None:
    assert Period.of_row([1.0, 2.0, 2.0, 2.0, 0.0, [[2.0, 1.0]]]).statistic("p50") == 2.0


def test_the_size_of_a_metric_is_that_of_its_rows() -> None:
    metric = Values({})
    for minute in range(3):
        put(metric, NOW - 60 * minute, 1.0, 2.0)
    rows = [metric.row(slot) or "" for slot in metric.changed]
    assert metric.size == sum(map(len, rows))
    for slot in list(metric.changed):
        metric.drop(slot)
        assert metric.row(slot) is None
    assert (metric.size, len(metric)) == (0, 0)


def test_a_window_holds_the_seconds_that_begin_within_it() -> None:
    metric = Values({})
    for second in range(300):
        put(metric, NOW + second, 1.0)
    for begin, end in ((0, 300), (7, 8), (30, 250), (59, 181), (120, 180)):
        assert metric.sum_up(NOW + begin, NOW + end).count == end - begin


def test_a_value_that_comes_late_is_in_a_minute_that_was_summed_up() -> None:
    metric = Values({})
    for second in range(0, 300, 10):
        put(metric, NOW + second, 1.0)
    assert metric.sum_up(NOW, NOW + 300).count == 30
    put(metric, NOW + 100, 1.0)
    assert metric.sum_up(NOW, NOW + 300).count == 31


def test_old_seconds_become_minutes_and_nothing_is_lost() -> None:
    metric = Values({})
    for second in range(2 * FINE_SECONDS):
        put(metric, NOW + second, 1.0, 2.0)
    metric.compact()
    assert len(metric) < 1.1 * FINE_SECONDS
    total = metric.sum_up(NOW - 60, NOW + 2 * FINE_SECONDS)
    assert (total.count, total.total) == (4 * FINE_SECONDS, 6 * FINE_SECONDS)


def test_what_changed_is_told_once_it_was_merged_as_well() -> None:
    metric = Values({})
    put(metric, NOW, 1.0)
    put(metric, NOW + 2 * FINE_SECONDS, 1.0)
    metric.compact()
    gone = [slot for slot in metric.changed if metric.get(slot) is None]
    assert gone == [(1, NOW, "None")]

"""Passes held against what CloudWatch counted during them."""

from typing import Any

import pytest

from fleet.cache.experiment import (
    Experiment,
    RawPass,
    hold_against_metrics,
    shortest_seconds,
)
from fleet.cache.invocation import Invocation, Request
from fleet.cache.metrics import CACHE_METRICS, HITS, LOADS, LOOKUPS, UNLOADS, Metric, Series
from fleet.cache.traffic import Pass

PERIOD = 60
START = 1_800_000_000.0


class Counted:
    """CloudWatch with these values, one for each minute from the start on."""

    def __init__(self, values: dict[Metric, tuple[float, ...]], *, complete: bool = True) -> None:
        self._values = values
        self._complete = complete

    def wait_for_invocations(self, *arguments: object) -> bool:
        return self._complete

    def read(self, metrics: Any, start: float, end: float, period: int) -> dict[Metric, Series]:
        return {metric: self._series(metric) for metric in metrics}

    def _series(self, metric: Metric) -> Series:
        values = self._values.get(metric, ())
        return Series(PERIOD, tuple(START + PERIOD * n for n in range(len(values))), values)


def raw_pass(number: int, minute: int, *latencies: float) -> RawPass:
    """A pass in one minute, a request a second, followed by an idle minute."""
    begin = START + PERIOD * minute
    rows = tuple(
        Invocation(Request(10 * number + n, number, f"{n}.tar.gz"), begin + n, latency)
        for n, latency in enumerate(latencies)
    )
    return RawPass(f"pass {number}", begin, begin + 2 * PERIOD, rows)


def held(values: dict[Metric, tuple[float, ...]]) -> Experiment:
    passes = [raw_pass(1, 0, 1.5, 1.6), raw_pass(2, 2, 0.05, 1.4, 0.04)]
    metrics: Any = Counted(values)
    return hold_against_metrics(metrics, passes, period=PERIOD, timeout=1)


# Minutes: the first pass, idle (its metrics may be late), the second pass, idle.
MINUTES: dict[Metric, tuple[float, ...]] = {
    LOOKUPS: (1, 1, 3, 0),
    HITS: (0, 0, 2, 0),
    LOADS: (2, 0, 1, 0),
    UNLOADS: (0, 0, 1, 0),
}


def test_what_is_counted_up_to_the_next_pass_belongs_to_the_pass() -> None:
    first, second = held(MINUTES).passes
    assert first.summary.cache is not None
    assert second.summary.cache is not None
    assert (first.summary.cache.lookups, first.summary.cache.hits) == (2, 0)
    assert (second.summary.cache.lookups, second.summary.cache.hits) == (3, 2)


def test_all_passes_together_have_all_counts() -> None:
    cache = held(MINUTES).summary.cache
    assert cache is not None
    assert (cache.lookups, cache.hits, cache.loads, cache.unloads) == (5, 2, 3, 1)


def test_what_others_invoked_before_the_first_pass_is_not_counted() -> None:
    metrics: Any = Counted({metric: (7, *values) for metric, values in MINUTES.items()})
    passes = [raw_pass(1, 1, 1.5, 1.6), raw_pass(2, 3, 0.05, 1.4, 0.04)]
    cache = hold_against_metrics(metrics, passes, period=PERIOD, timeout=1).summary.cache
    assert cache is not None
    assert (cache.lookups, cache.hits, cache.loads, cache.unloads) == (5, 2, 3, 1)


def test_invocations_are_cold_as_cloudwatch_counted_them() -> None:
    assert [row.cold for row in held(MINUTES).invocations] == [True, True, False, True, False]


def test_throughput_leaves_out_the_pauses_between_passes() -> None:
    experiment = held(MINUTES)
    busy = sum(one.summary.seconds for one in experiment.passes)
    assert experiment.summary.seconds == pytest.approx(busy)


def test_without_metrics_there_are_latencies_but_no_counts() -> None:
    experiment = held(dict.fromkeys(CACHE_METRICS, ()))
    assert experiment.summary.cache is None
    assert {row.cold for row in experiment.invocations} == {None}


@pytest.mark.parametrize(("per_second", "seconds"), [(0.5, 20 + 240), (None, 240)])
def test_a_paced_run_takes_its_turns_and_two_periods_a_pass(
    per_second: float | None, seconds: float
) -> None:
    passes = [Pass("one", ("a",) * 6), Pass("two", ("a",) * 4)]
    assert shortest_seconds(passes, PERIOD, per_second) == seconds

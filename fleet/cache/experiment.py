"""The experiment itself: passes of invocations, and what CloudWatch counted during them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

from fleet.cache.invocation import Invocation, Invoker, Request
from fleet.cache.metrics import (
    CACHE_METRICS,
    HITS,
    LOADS,
    LOOKUPS,
    UNLOADS,
    CloudWatchMetrics,
    Metric,
    Series,
    floor_to_period,
)
from fleet.cache.runner import run_requests
from fleet.cache.summary import CacheCounts, Summary, summarize
from fleet.cache.temperature import PeriodCount, mark_cold
from fleet.cache.traffic import Pass

INVOCATIONS_PER_PERIOD = 20
"""The default pace: a pass of 100 then spans five points of a chart, on AWS as on a laptop."""


@dataclass(frozen=True)
class PassResult:
    """One pass with its rows, all of them within [start, end).

    Both are beginnings of CloudWatch periods, in seconds since the epoch.
    """

    label: str
    start: float
    end: float
    invocations: tuple[Invocation, ...]
    summary: Summary


@dataclass(frozen=True)
class Experiment:
    """A finished experiment; ``metrics`` cover [start, end) in seconds since the epoch."""

    period: int
    start: float
    end: float
    passes: tuple[PassResult, ...]
    summary: Summary
    metrics: dict[Metric, Series]
    metrics_complete: bool

    @property
    def invocations(self) -> tuple[Invocation, ...]:
        return tuple(row for one in self.passes for row in one.invocations)


@dataclass(frozen=True)
class RawPass:
    """A pass that has run and is yet to be held against CloudWatch."""

    label: str
    start: float
    end: float
    invocations: tuple[Invocation, ...]


def run_passes(
    invoker: Invoker,
    passes: Sequence[Pass],
    *,
    period: int,
    concurrency: int,
    per_second: float | None,
    on_pass: Callable[[int, Pass], None],
    on_invocation: Callable[[Invocation], None],
) -> list[RawPass]:
    """Run the passes one after the other, each from the beginning of a CloudWatch period.

    A pass ends with an idle period, because metrics may be stamped a little late. So no period
    holds invocations of two passes, and what CloudWatch counted belongs to one of them.
    """
    done: list[RawPass] = []
    begin = floor_to_period(time.time(), period) + period
    numbers = count(1)
    for pass_number, one in enumerate(passes, 1):
        requests = [Request(next(numbers), pass_number, name) for name in one.target_models]
        _wait_until(begin)
        on_pass(pass_number, one)
        rows = run_requests(
            invoker.invoke,
            requests,
            concurrency=concurrency,
            per_second=per_second,
            on_invocation=on_invocation,
        )
        end = floor_to_period(max(row.finished for row in rows), period) + 2 * period
        done.append(RawPass(one.label, begin, end, tuple(rows)))
        begin = end
    return done


def shortest_seconds(passes: Sequence[Pass], period: int, per_second: float | None) -> float:
    """What the passes take at least, idle periods included."""
    paced = sum(len(one.target_models) for one in passes) / per_second if per_second else 0.0
    return paced + 2.0 * period * len(passes)


def hold_against_metrics(
    metrics: CloudWatchMetrics, passes: Sequence[RawPass], *, period: int, timeout: float
) -> Experiment:
    """Wait for CloudWatch, then tell cold from warm invocations and sum up."""
    begin, end = passes[0].start, passes[-1].end
    start = begin - period  # what charts show; others may have invoked the endpoint then
    invoked = sum(row.succeeded for one in passes for row in one.invocations)
    complete = metrics.wait_for_invocations(invoked, begin, end, period, timeout)
    series = metrics.read(CACHE_METRICS, start, end, period)
    results = tuple(_pass_result(one, series) for one in passes)
    rows = [row for one in results for row in one.invocations]
    busy = sum(one.summary.seconds for one in results)
    elapsed = max(row.finished for row in rows) - min(row.started for row in rows)
    return Experiment(
        period=period,
        start=start,
        end=end,
        passes=results,
        summary=summarize("all", rows, _counts(series, begin, end), elapsed - busy),
        metrics=series,
        metrics_complete=complete,
    )


def _pass_result(one: RawPass, series: dict[Metric, Series]) -> PassResult:
    counts = _counts(series, one.start, one.end)
    rows = mark_cold(one.invocations, _periods(series, one.start, one.end))
    return PassResult(
        one.label, one.start, one.end, tuple(rows), summarize(one.label, rows, counts)
    )


def _periods(series: dict[Metric, Series], start: float, end: float) -> list[PeriodCount]:
    lookups, hits = series[LOOKUPS].within(start, end), series[HITS].within(start, end)
    return [
        PeriodCount(round(count), round(count - hits.get(timestamp, 0.0)))
        for timestamp, count in lookups.items()
    ]


def _counts(series: dict[Metric, Series], start: float, end: float) -> CacheCounts | None:
    lookups, hits, loads, unloads = (
        round(series[metric].total(start, end)) for metric in (LOOKUPS, HITS, LOADS, UNLOADS)
    )
    return CacheCounts(lookups, hits, loads, unloads) if lookups else None


def _wait_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.time()))

"""Figures of a pass."""

import pytest

from fleet.cache.invocation import Invocation, Request
from fleet.cache.summary import CacheCounts, summarize


def row(number: int, latency: float, *, cold: bool | None, error: str | None = None) -> Invocation:
    return Invocation(
        Request(number, 1, "m"), started=100.0 + number, latency=latency, cold=cold, error=error
    )


ROWS = [
    row(0, 1.0, cold=True),
    row(1, 0.010, cold=False),
    row(2, 0.020, cold=False),
    row(3, 0.030, cold=False),
    row(4, 1.0, cold=None, error="ModelError"),
]


def test_cold_and_warm_have_their_own_percentiles_in_milliseconds() -> None:
    summary = summarize("one", ROWS, None)
    assert summary.cold is not None
    assert summary.warm is not None
    assert summary.cold.p50 == pytest.approx(1000)
    assert summary.warm.count == 3
    assert summary.warm.p50 == pytest.approx(20)
    assert summary.warm.p99 == pytest.approx(29.8)


def test_errors_are_counted_by_code() -> None:
    assert summarize("one", ROWS, None).errors == {"ModelError": 1}


def test_throughput_is_successes_between_first_request_and_last_answer() -> None:
    summary = summarize("one", ROWS, None)
    assert summary.seconds == pytest.approx(5.0)
    assert summary.throughput == pytest.approx(4 / 5.0)


def test_pauses_between_passes_do_not_lower_throughput() -> None:
    assert summarize("all", ROWS, None, idle_seconds=3.0).throughput == pytest.approx(4 / 2.0)


def test_the_hit_ratio_is_hits_among_lookups() -> None:
    counts = CacheCounts(lookups=200, hits=150, loads=50, unloads=0)
    assert (counts.hit_ratio, counts.misses) == (0.75, 50)


def test_there_is_no_hit_ratio_without_lookups() -> None:
    assert CacheCounts(0, 0, 0, 0).hit_ratio is None


def test_no_rows_make_an_empty_summary() -> None:
    summary = summarize("none", [], None)
    assert (summary.cold, summary.warm, summary.throughput) == (None, None, 0.0)

"""Cold and warm: as many cold rows as CloudWatch counted misses, period by period."""

from hypothesis import given
from hypothesis import strategies as st

from fleet.cache.invocation import Invocation, Request
from fleet.cache.temperature import PeriodCount, mark_cold


def rows(*latencies: float, failed: int | None = None) -> list[Invocation]:
    """Invocations that began one after the other."""
    return [
        Invocation(
            Request(number, 1, "m"),
            started=float(number),
            latency=latency,
            error="ModelError" if number == failed else None,
        )
        for number, latency in enumerate(latencies, 1)
    ]


def cold(marked: list[Invocation]) -> list[bool | None]:
    return [row.cold for row in marked]


def test_in_a_mixed_period_the_slowest_rows_are_the_cold_ones() -> None:
    marked = mark_cold(rows(0.5, 0.01, 0.6, 0.02), [PeriodCount(4, 2)])
    assert cold(marked) == [True, False, True, False]


def test_a_slow_row_in_a_period_of_hits_is_warm() -> None:
    marked = mark_cold(rows(0.9, 0.01, 0.3, 0.3), [PeriodCount(2, 0), PeriodCount(2, 2)])
    assert cold(marked) == [False, False, True, True]


def test_rows_are_counted_off_to_periods_in_the_order_in_which_they_began() -> None:
    late, early = rows(0.1, 0.1)
    late, early = Invocation(late.request, 9.0, 0.1), Invocation(early.request, 1.0, 0.1)
    marked = mark_cold([late, early], [PeriodCount(1, 1), PeriodCount(1, 0)])
    assert cold(marked) == [False, True]


def test_failed_rows_are_neither_cold_nor_warm() -> None:
    marked = mark_cold(rows(0.5, 0.9, 0.02, failed=2), [PeriodCount(2, 1)])
    assert cold(marked) == [True, None, False]


def test_without_metrics_nothing_is_said() -> None:
    assert cold(mark_cold(rows(0.5, 0.1), [])) == [None, None]


def test_a_pass_whose_counts_do_not_match_is_treated_as_one_period() -> None:
    marked = mark_cold(rows(0.01, 0.5, 0.02), [PeriodCount(1, 1), PeriodCount(3, 0)])
    assert cold(marked) == [False, True, False]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=6), st.data())
def test_there_are_as_many_cold_rows_as_misses(
    counts: list[tuple[int, int]], data: st.DataObject
) -> None:
    periods = [PeriodCount(hits + misses, misses) for hits, misses in counts]
    total = sum(period.lookups for period in periods)
    latencies = data.draw(st.lists(st.floats(0.001, 60), min_size=total, max_size=total))
    marked = mark_cold(rows(*latencies), periods)
    assert sum(row.cold is True for row in marked) == sum(period.misses for period in periods)

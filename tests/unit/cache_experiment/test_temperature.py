"""Cold and warm: as many cold rows as CloudWatch counted misses, the slowest ones."""

from hypothesis import given
from hypothesis import strategies as st

from scripts.cache.invocation import Invocation, Request
from scripts.cache.temperature import mark_cold


def rows(*latencies: float, failed: int | None = None) -> list[Invocation]:
    return [
        Invocation(
            Request(number, 1, "m"), 0.0, latency, error="ModelError" if number == failed else None
        )
        for number, latency in enumerate(latencies, 1)
    ]


def test_the_slowest_rows_are_the_cold_ones() -> None:
    marked = mark_cold(rows(0.5, 0.01, 0.6, 0.02), misses=2)
    assert [row.cold for row in marked] == [True, False, True, False]


def test_failed_rows_are_neither_cold_nor_warm() -> None:
    marked = mark_cold(rows(0.5, 0.9, 0.02, failed=2), misses=1)
    assert [row.cold for row in marked] == [True, None, False]


def test_without_metrics_nothing_is_said() -> None:
    assert [row.cold for row in mark_cold(rows(0.5, 0.1), misses=None)] == [None, None]


@given(st.lists(st.floats(0.001, 60), max_size=30), st.integers(0, 40))
def test_there_are_as_many_cold_rows_as_misses(latencies: list[float], misses: int) -> None:
    marked = mark_cold(rows(*latencies), misses)
    assert sum(row.cold is True for row in marked) == min(misses, len(latencies))

from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.capacity.lru import Popularity, ReuseDistances


def hits_of_a_cache(trace: list[int], capacity: int) -> int:
    cache: OrderedDict[int, None] = OrderedDict()
    hits = 0
    for model in trace:
        hits += model in cache
        cache[model] = None
        cache.move_to_end(model)
        if len(cache) > capacity:
            cache.popitem(last=False)
    return hits


@given(trace=st.lists(st.integers(0, 12), max_size=80), capacity=st.integers(1, 14))
def test_reuse_distances_count_the_hits_of_a_cache(trace: list[int], capacity: int) -> None:
    ratio = ReuseDistances(np.array(trace, dtype=np.int64)).hit_ratio(capacity)
    assert ratio * len(trace) == pytest.approx(hits_of_a_cache(trace, capacity))


def test_a_scan_of_more_models_than_fit_never_hits() -> None:
    scan = ReuseDistances([f"model-{i}" for i in range(100)] * 5)
    assert [scan.hit_ratio(99), scan.hit_ratio(100)] == [0.0, 0.8]


def test_first_requests_can_be_left_out() -> None:
    scan = ReuseDistances(["a", "b"] * 3)
    assert (scan.hit_ratio(2), scan.warm_hit_ratio(2)) == (4 / 6, 1.0)


@pytest.mark.parametrize("exponent", [0.0, 0.6, 0.9, 1.2])
def test_ches_approximation_is_within_two_hundredths_of_the_simulation(exponent: float) -> None:
    weights = np.arange(1, 2_001, dtype=np.float64) ** -exponent
    trace = np.random.default_rng(0).choice(2_000, 100_000, p=weights / weights.sum())
    popularity = Popularity.zipf(2_000, exponent)
    distances = ReuseDistances(trace)
    for capacity in (50, 400, 1900):
        simulated = distances.warm_hit_ratio(capacity)
        assert popularity.hit_ratio(capacity) == pytest.approx(simulated, abs=0.02)


def test_a_cache_for_all_models_always_hits_and_none_never() -> None:
    popularity = Popularity.zipf(10, 1.0)
    assert (popularity.hit_ratio(10), popularity.hit_ratio(0)) == (1.0, 0.0)


@given(exponent=st.floats(0, 2), smaller=st.integers(1, 98))
def test_a_larger_cache_hits_more_often(exponent: float, smaller: int) -> None:
    popularity = Popularity.zipf(100, exponent)
    assert popularity.hit_ratio(smaller) < popularity.hit_ratio(smaller + 1) <= 1


@pytest.mark.parametrize("exponent", [0.0, 0.9, 1.5])
def test_grouping_rare_models_changes_hit_ratios_by_less_than_a_thousandth(exponent: float) -> None:
    weights = np.arange(1, 50_001, dtype=np.float64) ** -exponent
    exact = Popularity.of_each(weights / weights.sum())
    grouped = Popularity.zipf(50_000, exponent)
    for capacity in (10, 1_250, 37_500):
        assert grouped.hit_ratio(capacity) == pytest.approx(exact.hit_ratio(capacity), abs=1e-3)

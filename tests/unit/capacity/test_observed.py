from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from fleet.cache.endpoint import WatchedEndpoint
from fleet.cache.metrics import HITS, INVOCATIONS, LOADED_MODELS, LOOKUPS, MEMORY, Metric, Series
from fleet.capacity.lru import Popularity
from fleet.capacity.observed import LATENCY, LOADING_WAIT, Observation, ObservationError, observe
from fleet.capacity.prices import Instance

ENDPOINT = WatchedEndpoint(
    "houses", "arn", "AllTraffic", "ml.m4.xlarge", 2, "bucket", "models/", ("container-1",), "c"
)
MOMENTS = (0.0, 60.0, 120.0)
VALUES = {
    INVOCATIONS: (600.0, 600.0, 600.0),
    HITS: (0.0, 300.0, 450.0),
    LOOKUPS: (600.0, 600.0, 600.0),
    LOADED_MODELS: (0.0, 60.0, 121.0),
    MEMORY: (4.0, 41.2, 79.0),
    LATENCY: (50_000.0, 50_000.0, 50_000.0),
    LOADING_WAIT: (1_600_000.0, 1_600_000.0, 1_600_000.0),
}


class Recorded:
    """The metrics of an endpoint that did as the values say."""

    def __init__(self, values: Mapping[Metric, Sequence[float]]) -> None:
        self._values = values

    def read(self, metrics: Sequence[Metric], *_: Any) -> dict[Metric, Series]:
        series = {}
        for metric in metrics:
            values = tuple(self._values.get(metric, ()))
            series[metric] = Series(60, MOMENTS[: len(values)], values)
        return series


def seen(values: Mapping[Metric, Sequence[float]]) -> Observation:
    metrics: Any = Recorded(values)
    return observe(metrics, ENDPOINT, Instance(4, 16, 0.24), now=180.0, hours=1)


def test_rate_and_hit_ratio_are_totals_over_the_observed_time() -> None:
    observation = seen(VALUES)
    assert observation.requests_per_second == 10
    assert observation.hit_ratio == pytest.approx(750 / 1800)


def test_instances_hold_what_each_of_them_held_at_most() -> None:
    assert seen(VALUES).models_held == 242


def test_memory_of_a_model_is_what_memory_grew_by_over_what_models_did() -> None:
    assert seen(VALUES).model_mib == pytest.approx(0.75 * 16 * 1024 / 121)


def test_times_are_in_seconds() -> None:
    observation = seen(VALUES)
    assert (observation.warm_seconds, observation.load_seconds) == (0.05, 1.6)


def test_what_cloudwatch_does_not_tell_is_as_usual() -> None:
    few = {metric: VALUES[metric] for metric in (INVOCATIONS, HITS, LOOKUPS)}
    workload = seen(few).workload(models=500)
    assert (workload.model_mib, workload.load_seconds) == (101.5, 1.6)


def test_an_endpoint_that_nobody_invoked_is_named() -> None:
    with pytest.raises(ObservationError, match="endpoint houses was not invoked in the last 1 h"):
        seen({})


@pytest.mark.parametrize("exponent", [0.0, 0.7, 1.3])
def test_the_popularity_curve_is_found_that_explains_the_hit_ratio(exponent: float) -> None:
    ratio = Popularity.zipf(1_000, exponent).hit_ratio(121)
    found = Observation(10, ratio, 121, None, None, None).zipf_exponent(1_000)
    assert found == pytest.approx(exponent, abs=1e-6)


def test_a_cache_that_holds_everything_tells_no_popularity_curve() -> None:
    with pytest.raises(ObservationError, match="fits every popularity curve"):
        Observation(10, 0.97, 300, None, None, None).zipf_exponent(300)

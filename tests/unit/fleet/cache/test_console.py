"""What an experiment says of the cache in words."""

from dataclasses import replace

from fleet.cache.console import verdict
from fleet.cache.experiment import Experiment
from fleet.cache.summary import CacheCounts
from tests.unit.fleet.cache.builders import experiment


def with_unloads(count: int) -> Experiment:
    return experiment(counts=CacheCounts(lookups=4, hits=2, loads=2, unloads=count))


def test_a_cache_that_unloads_nothing_held_all_models() -> None:
    assert verdict(with_unloads(0)) == (
        "No model was unloaded: the cache held all 2 that were asked for."
    )


def test_a_cache_that_unloads_was_too_small() -> None:
    assert verdict(with_unloads(7)) == (
        "The cache held at most 2 models an instance and unloaded 7 to make room, first in pass 1."
    )


def test_nothing_is_concluded_from_incomplete_metrics() -> None:
    assert "may be incomplete" in verdict(replace(with_unloads(0), metrics_complete=False))

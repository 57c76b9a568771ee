"""The default experiment draws the notebook's charts.

The figures are those of the notebook multi_model_linear_learner_home_value in
github.com/aws/amazon-sagemaker-examples: its charts show 100 models, then 121 at 79 % of memory.
"""

import pytest

from fleet.cache.metrics import plateaus
from tests.local.cache_experiment.conftest import DefaultExperiment, Watched


def test_loaded_models_rise_to_100_and_then_to_121(default: DefaultExperiment) -> None:
    levels = [level.value for level in plateaus(default.series("LoadedModelCount", "Average"))]
    assert levels == [pytest.approx(100, abs=1), pytest.approx(121, abs=1)]


def test_memory_ends_at_79_percent(default: DefaultExperiment) -> None:
    assert default.series("MemoryUtilization", "Average").values[-1] == pytest.approx(79, abs=1)


def test_cache_hits_are_none_then_all_then_falling(default: DefaultExperiment) -> None:
    first, second, third = (one["cache"]["hit_ratio"] for one in default.results["passes"])
    assert (first, second) == (0, 1)
    assert third == pytest.approx(0.5, abs=0.01)
    ratios = default.series("ModelCacheHit", "Average").values
    assert ratios[-1] == 0


def test_cloudwatch_counts_every_load_and_unload(default: DefaultExperiment) -> None:
    cache = default.results["summary"]["cache"]
    assert (cache["lookups"], cache["loads"], cache["unloads"]) == (400, 200, 79)


def test_there_is_a_row_for_every_invocation_and_none_failed(default: DefaultExperiment) -> None:
    assert len(default.rows) == 400
    assert {row["error"] for row in default.rows} == {""}


def test_rows_say_which_invocations_were_cold(default: DefaultExperiment) -> None:
    temperatures = [row["cold_or_warm"] for row in default.rows]
    assert temperatures[:200] == ["cold"] * 100 + ["warm"] * 100
    assert temperatures.count("cold") == 200


def test_summaries_have_cold_and_warm_latencies(default: DefaultExperiment) -> None:
    summary = default.results["summary"]
    for temperature in ("cold", "warm"):
        latencies = summary[temperature]
        assert 0 < latencies["p50"] <= latencies["p95"] <= latencies["p99"]


def test_charts_are_drawn(default: DefaultExperiment) -> None:
    charts = sorted(path.name for path in default.directory.glob("*.png"))
    assert charts == ["cache-hits.png", "latency.png", "loaded-models.png"]


def test_what_is_simulated_is_known_by_the_endpoints_tag(default: DefaultExperiment) -> None:
    assert "MemoryUtilization" in default.results["endpoint"]["simulated_metrics"]


def test_the_copies_are_removed(watched: Watched, default: DefaultExperiment) -> None:
    assert watched.copies() == []

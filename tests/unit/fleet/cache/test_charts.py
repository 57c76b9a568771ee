"""Charts: PNG files, and what is written on them."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from fleet.cache.charts import (
    cache_hits_chart,
    draw_charts,
    latency_chart,
    loaded_models_chart,
)
from fleet.cache.metrics import LOADED_MODELS, Series
from tests.unit.fleet.cache.builders import endpoint, experiment


def words(figure: Figure) -> str:
    texts = figure.findobj(lambda artist: isinstance(artist, Text))
    return "\n".join(text.get_text() for text in texts if isinstance(text, Text))


def test_three_png_files_are_written(tmp_path: Path) -> None:
    paths = draw_charts(tmp_path, endpoint(), experiment())
    assert [path.name for path in paths] == ["loaded-models.png", "cache-hits.png", "latency.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)


@pytest.mark.parametrize("chart", [loaded_models_chart, cache_hits_chart, latency_chart])
def test_a_chart_says_endpoint_and_instances(chart: object) -> None:
    assert callable(chart)
    assert "housing-dev, 1 × ml.m4.xlarge" in words(chart(endpoint(), experiment()))


def test_a_plateau_is_labelled_with_its_value() -> None:
    assert "6 %" in words(loaded_models_chart(endpoint(), experiment())).splitlines()


def test_where_nothing_was_measured_there_is_a_gap() -> None:
    whole = experiment()
    series = whole.metrics[LOADED_MODELS]
    begin, period = whole.start, series.period
    measured = Series(period, (begin, begin + period, begin + 4 * period), (1.0, 2.0, 6.0))
    cut = replace(whole, metrics={**whole.metrics, LOADED_MODELS: measured})
    line = loaded_models_chart(endpoint(), cut).axes[0].lines[0]
    assert np.array_equal(line.get_ydata(), [1.0, 2.0, math.nan, 6.0], equal_nan=True)


def test_a_simulated_metric_is_named_on_the_chart_that_shows_it() -> None:
    chart = loaded_models_chart(endpoint("MemoryUtilization", "CPUUtilization"), experiment())
    assert "MemoryUtilization: simulated" in words(chart)


def test_a_chart_without_simulated_metrics_does_not_speak_of_simulation() -> None:
    assert "simulated" not in words(cache_hits_chart(endpoint("MemoryUtilization"), experiment()))


def test_measured_metrics_are_not_called_simulated() -> None:
    assert "simulated" not in words(loaded_models_chart(endpoint(), experiment()))


def test_cold_and_warm_latencies_have_their_own_percentiles() -> None:
    text = words(latency_chart(endpoint(), experiment()))
    assert "2 cold\np50 1,000 ms" in text
    assert "2 warm\np50 50 ms" in text


def test_the_latency_chart_says_how_cold_was_told_from_warm() -> None:
    assert "as many as CloudWatch counted misses" in words(latency_chart(endpoint(), experiment()))


def test_latencies_of_a_simulated_instance_are_called_those_of_the_machine_beneath() -> None:
    assert "The instance is simulated" in words(latency_chart(endpoint("CPU"), experiment()))
    assert "simulated" not in words(latency_chart(endpoint(), experiment()))


def test_a_chart_of_incomplete_metrics_says_so() -> None:
    chart = cache_hits_chart(endpoint(), experiment(complete=False))
    assert "did not yet have all" in words(chart)

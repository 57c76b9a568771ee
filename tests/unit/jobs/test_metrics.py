"""Metrics in log lines."""

import json

import pytest

from localaws.containers.linear_learner import METRIC_DEFINITIONS
from localaws.jobs.logs import MetricScanner


def final(scanner: MetricScanner) -> dict[str, float]:
    return {metric.name: metric.value for metric in scanner.final}


def test_the_last_value_is_final() -> None:
    scanner = MetricScanner({"loss": "loss=(.*?);"})
    for line in ("loss=2;", "nothing", "loss=1e-3; more"):
        scanner.scan(line)
    assert final(scanner) == {"loss": 0.001}


@pytest.mark.parametrize("text", ["unknown", "", "nan", "-inf", "1e999"])
def test_what_is_no_finite_number_is_no_value(text: str) -> None:
    scanner = MetricScanner({"loss": "loss=(.*)"})
    scanner.scan("loss=0.5")
    scanner.scan(f"loss={text}")
    assert final(scanner) == {"loss": 0.5}


def test_every_value_is_new_once() -> None:
    scanner = MetricScanner({"loss": r"loss=(\d)"})
    scanner.scan("loss=1")
    scanner.scan("loss=2")
    assert [metric.value for metric in scanner.take_new()] == [1, 2]
    assert scanner.take_new() == []


def test_linear_learners_definitions_tell_final_values_from_those_of_an_epoch() -> None:
    scanner = MetricScanner(json.loads(METRIC_DEFINITIONS.read_text()))
    prefix = "[11/22/2026 20:00:00 INFO 140] #quality_metric: host=algo-1,"
    scanner.scan(f"{prefix} epoch=3, validation mse_objective <loss>=9.5")
    scanner.scan(f"{prefix} validation mse_objective <loss>=8.5")
    scanner.scan(f"{prefix} validation mse <loss>=8.5")
    assert final(scanner) == {
        "validation:objective_loss": 9.5,
        "validation:objective_loss:final": 8.5,
        "validation:mse": 8.5,
    }

"""Results as files: rows that a spreadsheet reads, and a document that a program reads."""

import csv
import json
from io import StringIO
from pathlib import Path

from fleet.cache.results import invocations_csv, results_json, write_text
from fleet.cache.summary import CacheCounts
from fleet.cache.traffic import read_trace
from tests.unit.fleet.cache.builders import endpoint, experiment


def test_there_is_one_row_for_each_invocation() -> None:
    rows = list(csv.DictReader(StringIO(invocations_csv(experiment()))))
    assert [row["number"] for row in rows] == ["1", "2", "3", "4"]


def test_a_row_says_model_cold_or_warm_and_latency() -> None:
    rows = list(csv.DictReader(StringIO(invocations_csv(experiment()))))
    assert [(row["target_model"], row["cold_or_warm"], row["latency_ms"]) for row in rows[1:3]] == [
        ("0.tar.gz", "cold", "1000.0"),
        ("1.tar.gz", "warm", "50.0"),
    ]


def test_the_rows_of_one_experiment_can_be_replayed_in_another(tmp_path: Path) -> None:
    path = tmp_path / "invocations.csv"
    path.write_text(invocations_csv(experiment()))
    assert [one.target_models for one in read_trace(path)] == [("1.tar.gz", "0.tar.gz")] * 2


def test_the_document_holds_summary_passes_metrics_and_rows() -> None:
    counts = CacheCounts(lookups=4, hits=2, loads=2, unloads=0)
    document = json.loads(
        results_json(endpoint("MemoryUtilization"), {"seed": "0"}, experiment(counts=counts))
    )
    assert document["summary"]["cache"]["hit_ratio"] == 0.5
    assert document["summary"]["cold"]["p50"] == 1000
    assert [one["invocations"] for one in document["passes"]] == [2, 2]
    assert document["endpoint"]["simulated_metrics"] == ["MemoryUtilization"]
    assert len(document["invocations"]) == 4
    assert "AWS/SageMaker ModelCacheHit" in {one["metric"] for one in document["metrics"]}


def test_a_file_that_exists_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "run" / "results.json"
    write_text(path, "old")
    write_text(path, "new")
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]

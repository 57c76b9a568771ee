"""Metrics, log events and histories take so much room at most, whatever comes in."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ministack.core.responses import request_scope
from ministack.services import cloudwatch, cloudwatch_logs

from localaws.ministack.cloudwatch import alarms, log_store, metric_store
from localaws.ministack.cloudwatch.alarms import newest
from localaws.ministack.cloudwatch.log_store import LogStore
from localaws.ministack.cloudwatch.metric_store import MetricStore


@pytest.fixture(autouse=True)
def _scope() -> Iterator[None]:
    with request_scope("123456789012", "us-east-1"):
        yield
    cloudwatch._metrics._data.clear()
    cloudwatch_logs._log_groups._data.clear()


def put(store: MetricStore, name: str, at: float) -> None:
    values: list[Any] = [float(value) for value in range(100)]
    store.put("Test", name, {}, at, "None", None, values, None, None)


def test_metrics_of_ever_new_names_do_not_add_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metric_store, "MOST_CHARACTERS", 50_000)
    store = MetricStore(tmp_path / "values.sqlite")
    for minute in range(100):
        put(store, f"metric-{minute}", 60.0 * minute)
        store.save()
    kept = {name for (_, name, _), _ in cloudwatch._metrics.items()}
    assert 10 < len(kept) < 50
    assert "metric-99" in kept
    store.close()
    cloudwatch._metrics._data.clear()
    MetricStore(tmp_path / "values.sqlite")
    assert {name for (_, name, _), _ in cloudwatch._metrics.items()} == kept


def test_the_oldest_values_are_the_first_to_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metric_store, "MOST_CHARACTERS", 50_000)
    store = MetricStore(tmp_path / "values.sqlite")
    for minute in range(100):
        put(store, "metric", 60.0 * minute)
        put(store, f"seldom-{minute // 90}", 60.0 * minute)
        store.save()
    metric = cloudwatch._metrics["Test", "metric", ""]
    starts = [start for start, _ in metric.between(0, 1e12)]
    assert max(starts) == 99 * 60
    assert min(starts) > 50 * 60


def test_long_log_events_do_not_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_store, "MOST_CHARACTERS", 50_000)
    monkeypatch.setattr(
        cloudwatch_logs, "_put_log_events", cloudwatch_logs._put_log_events
    )  # put back after the test
    store = LogStore(tmp_path / "events.sqlite")
    cloudwatch_logs._create_log_group({"logGroupName": "group"})
    cloudwatch_logs._create_log_stream({"logGroupName": "group", "logStreamName": "stream"})
    for number in range(20):
        event = {"timestamp": int(time.time() * 1000), "message": f"{number} " + "x" * 10_000}
        data = {"logGroupName": "group", "logStreamName": "stream", "logEvents": [event]}
        cloudwatch_logs._put_log_events(data)
        store.save()
    events = cloudwatch_logs._log_groups["group"]["streams"]["stream"]["events"]
    assert [event["message"][:2] for event in events] == ["16", "17", "18", "19"]


def test_changes_of_alarms_do_not_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarms, "MOST_CHANGES", 3)
    history = [{"number": number} for number in range(5)]
    assert [entry["number"] for entry in newest(lambda: history)()] == [2, 3, 4]
    assert len(history) == 3

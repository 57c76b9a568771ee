"""Log events become metrics, and go to functions, as filters say."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.testing import LocalAws

GROUP = "metric-filters"
NAMESPACE = "MetricFilters"


@pytest.fixture(scope="module")
def logs(localaws: LocalAws) -> Any:
    client: Any = localaws.session().client("logs")
    client.create_log_group(logGroupName=GROUP)
    client.create_log_stream(logGroupName=GROUP, logStreamName="stream")
    return client


def put(logs: Any, *messages: str) -> None:
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": message} for message in messages]
    logs.put_log_events(logGroupName=GROUP, logStreamName="stream", logEvents=events)


def put_filter(logs: Any, name: str, pattern: str, **members: Any) -> None:
    """A filter whose metric has its name."""
    made = {"metricName": name, "metricNamespace": NAMESPACE, "metricValue": "1", **members}
    logs.put_metric_filter(
        logGroupName=GROUP, filterName=name, filterPattern=pattern, metricTransformations=[made]
    )


def summed(localaws: LocalAws, name: str, **dimensions: str) -> tuple[float, float]:
    """How many values a metric has, and their sum."""
    cloudwatch: Any = localaws.session().client("cloudwatch")
    now = datetime.now(UTC)
    (found,) = cloudwatch.get_metric_statistics(
        Namespace=NAMESPACE,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        Period=7200,
        Statistics=["SampleCount", "Sum"],
    )["Datapoints"] or [{"SampleCount": 0, "Sum": 0}]
    return found["SampleCount"], found["Sum"]


def test_events_are_counted(localaws: LocalAws, logs: Any) -> None:
    put_filter(logs, "errors", "ERROR -expected")
    put(logs, "ERROR", "ERROR, expected", "fine", "an ERROR again")
    assert summed(localaws, "errors") == (2, 2)


def test_fields_become_values_and_dimensions(localaws: LocalAws, logs: Any) -> None:
    dimensions = {"City": "$.city"}
    put_filter(
        logs, "latency", "{ $.latency > 100 }", metricValue="$.latency", dimensions=dimensions
    )
    rows = [("Chicago", 150), ("Chicago", 250.5), ("Boston", 90), ("Boston", 110)]
    put(logs, *(json.dumps({"city": city, "latency": value}) for city, value in rows))
    put(logs, json.dumps({"latency": 300}))
    assert summed(localaws, "latency", City="Chicago") == (2, 400.5)
    assert summed(localaws, "latency", City="Boston") == (1, 110)
    assert summed(localaws, "latency") == (0, 0)


def test_events_that_do_not_fit_bring_the_default(localaws: LocalAws, logs: Any) -> None:
    put_filter(logs, "rare", "RARE", defaultValue=0.0)
    put(logs, "common", "common")
    put(logs, "RARE", "common")
    assert summed(localaws, "rare") == (2, 1)


@pytest.mark.parametrize("pattern", ["[ip, user]", "{ $.a }", "{ a = 1 }", "--x"])
def test_patterns_that_cannot_be_followed_are_refused(logs: Any, pattern: str) -> None:
    with pytest.raises(ClientError, match="InvalidParameterException"):
        put_filter(logs, "refused", pattern)

"""Alarms on localaws: each over its own metric, and over when its data are."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

import pytest

from localaws.testing import LocalAws

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

PERIOD = 10
PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def cloudwatch(localaws: LocalAws) -> "CloudWatchClient":
    return localaws.session().client("cloudwatch")


@pytest.fixture(scope="module")
def namespace(cloudwatch: "CloudWatchClient") -> Iterator[str]:
    """A namespace of this file's own; alarms with its name are removed in the end."""
    name = f"test-{uuid4().hex[:8]}"
    yield name
    alarms = cloudwatch.describe_alarms(AlarmNamePrefix=name)["MetricAlarms"]
    cloudwatch.delete_alarms(AlarmNames=[alarm["AlarmName"] for alarm in alarms])


@pytest.fixture(scope="module", autouse=True)
def gone_off(cloudwatch: "CloudWatchClient", namespace: str) -> tuple[str, str]:
    """Two alarms over whose data a period will pass: missing data say OK to one, and nothing to
    the other. They begin with the file, so that the tests wait for both at once."""
    ends = alarm(cloudwatch, namespace, "ends")
    misses = alarm(cloudwatch, namespace, "misses", missing_data="missing")
    for variant in ("ends", "misses"):
        put(cloudwatch, namespace, variant, 100)
    for name in (ends, misses):
        assert wait_for(cloudwatch, name, "ALARM") == "ALARM"
    return ends, misses


def dimensions(variant: str) -> list[Any]:
    return [{"Name": "VariantName", "Value": variant}]


def put(cloudwatch: "CloudWatchClient", namespace: str, variant: str, value: float) -> None:
    cloudwatch.put_metric_data(
        Namespace=namespace,
        MetricData=[
            {"MetricName": "Unloads", "Dimensions": dimensions(variant), "Value": value},
        ],
    )


def alarm(
    cloudwatch: "CloudWatchClient",
    namespace: str,
    variant: str,
    missing_data: Literal["missing", "notBreaching"] = "notBreaching",
) -> str:
    """An alarm that goes off when 20 or more are unloaded in a period."""
    name = f"{namespace}-{variant}"
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace=namespace,
        MetricName="Unloads",
        Dimensions=dimensions(variant),
        Statistic="Sum",
        Period=PERIOD,
        EvaluationPeriods=1,
        Threshold=20,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData=missing_data,
    )
    return name


def wait_for(cloudwatch: "CloudWatchClient", name: str, state: str) -> str:
    """The alarm's state, once it is what is waited for or patience has ended."""
    found = ""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while found != state and time.monotonic() < deadline:
        found = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"]
        time.sleep(0.2)
    return found


def test_an_alarm_looks_at_its_own_dimensions_alone(
    cloudwatch: "CloudWatchClient", namespace: str
) -> None:
    busy, calm = (alarm(cloudwatch, namespace, variant) for variant in ("busy", "calm"))
    put(cloudwatch, namespace, "busy", 100)
    put(cloudwatch, namespace, "calm", 1)
    assert wait_for(cloudwatch, busy, "ALARM") == "ALARM"
    assert wait_for(cloudwatch, calm, "OK") == "OK"


def test_an_alarm_ends_when_its_data_have_ended(
    cloudwatch: "CloudWatchClient", gone_off: tuple[str, str]
) -> None:
    ends, _ = gone_off
    assert wait_for(cloudwatch, ends, "OK") == "OK"


def test_an_alarm_that_misses_its_data_has_insufficient_data(
    cloudwatch: "CloudWatchClient", gone_off: tuple[str, str]
) -> None:
    _, misses = gone_off
    assert wait_for(cloudwatch, misses, "INSUFFICIENT_DATA") == "INSUFFICIENT_DATA"


def test_the_history_says_why_a_state_changed(
    cloudwatch: "CloudWatchClient", namespace: str
) -> None:
    name = alarm(cloudwatch, namespace, "explained")
    put(cloudwatch, namespace, "explained", 100)
    wait_for(cloudwatch, name, "ALARM")
    reason = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateReason"]
    assert "[100] against GreaterThanOrEqualToThreshold 20" in reason

"""Series of CloudWatch: totals, plateaus, and reading them page by page."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.stub import ANY, Stubber

from fleet.cache.metrics import (
    LOADED_MODELS,
    LOOKUPS,
    CloudWatchMetrics,
    Series,
    floor_to_period,
    plateaus,
)
from tests.unit.fleet.cache.builders import START, endpoint

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient


@pytest.fixture
def cloudwatch() -> "CloudWatchClient":
    return boto3.client(
        "cloudwatch",
        region_name="us-east-1",
        aws_access_key_id="id",
        aws_secret_access_key="secret",
    )


def series(*values: float) -> Series:
    return Series(1, tuple(float(n) for n in range(len(values))), values)


def result(identifier: str, *values: float) -> dict[str, object]:
    moments = [datetime.fromtimestamp(START + n, UTC) for n in range(len(values))]
    return {"Id": identifier, "Timestamps": moments, "Values": list(values)}


def test_a_total_counts_the_periods_that_begin_within_it() -> None:
    assert series(1, 2, 4, 8).total(1, 3) == 6


def test_three_equal_values_are_a_plateau() -> None:
    (plateau,) = plateaus(series(40, 90, 100, 100, 100))
    assert (plateau.start, plateau.end, plateau.value) == (2, 4, 100)


def test_two_plateaus_are_told_apart() -> None:
    found = plateaus(series(50, 100, 100, 100, 110, 121, 121, 121))
    assert [plateau.value for plateau in found] == [100, 121]


def test_a_rising_metric_has_no_plateau() -> None:
    assert plateaus(series(10, 20, 30, 40)) == []


def test_an_empty_endpoint_is_no_plateau() -> None:
    assert plateaus(series(0, 0, 0, 0)) == []


def test_a_moment_belongs_to_the_period_that_began_before_it() -> None:
    assert floor_to_period(125.5, 60) == 120


def test_series_are_gathered_from_all_pages(cloudwatch: "CloudWatchClient") -> None:
    pages: list[dict[str, object]] = [
        {"MetricDataResults": [result("m0", 1.0), result("m1")], "NextToken": "more"},
        {"MetricDataResults": [result("m1", 7.0, 8.0)]},
    ]
    with Stubber(cloudwatch) as stubber:
        for page in pages:
            stubber.add_response("get_metric_data", page)
        metrics = CloudWatchMetrics(cloudwatch, endpoint())
        found = metrics.read([LOADED_MODELS, LOOKUPS], START, START + 9, period=1)
    assert found[LOADED_MODELS].values == (1.0,)
    assert found[LOOKUPS] == Series(1, (START, START + 1), (7.0, 8.0))


def test_metrics_are_asked_for_by_endpoint_and_variant(cloudwatch: "CloudWatchClient") -> None:
    query = {
        "Id": "m0",
        "MetricStat": {
            "Metric": {
                "Namespace": "/aws/sagemaker/Endpoints",
                "MetricName": "LoadedModelCount",
                "Dimensions": [
                    {"Name": "EndpointName", "Value": "housing-dev"},
                    {"Name": "VariantName", "Value": "AllTraffic"},
                ],
            },
            "Period": 60,
            "Stat": "Average",
        },
    }
    expected = {
        "MetricDataQueries": [query],
        "StartTime": ANY,
        "EndTime": ANY,
        "ScanBy": "TimestampAscending",
    }
    with Stubber(cloudwatch) as stubber:
        stubber.add_response("get_metric_data", {"MetricDataResults": []}, expected)
        CloudWatchMetrics(cloudwatch, endpoint()).read([LOADED_MODELS], START, START + 9, 60)
        stubber.assert_no_pending_responses()


def test_metrics_that_come_late_are_waited_for(cloudwatch: "CloudWatchClient") -> None:
    pauses: list[float] = []
    with Stubber(cloudwatch) as stubber:
        for seen in (0.0, 60.0, 100.0):
            stubber.add_response("get_metric_data", {"MetricDataResults": [result("m0", seen)]})
        metrics = CloudWatchMetrics(cloudwatch, endpoint())
        arrived = metrics.wait_for_invocations(
            100, START, START + 9, 60, timeout=60, sleep=pauses.append
        )
    assert arrived
    assert len(pauses) == 3  # one more for the other metrics


def test_metrics_that_do_not_come_are_given_up(cloudwatch: "CloudWatchClient") -> None:
    with Stubber(cloudwatch) as stubber:
        stubber.add_response("get_metric_data", {"MetricDataResults": [result("m0", 3.0)]})
        metrics = CloudWatchMetrics(cloudwatch, endpoint())
        assert not metrics.wait_for_invocations(100, START, START + 9, 60, timeout=-1)

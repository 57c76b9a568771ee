"""The metrics of a model cache, as CloudWatch has them.

Names, units and statistics: SageMaker Developer Guide, "CloudWatch Metrics for Multi-Model Endpoint
Deployments" and "Monitor Amazon SageMaker AI with Amazon CloudWatch".
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fleet.cache.endpoint import WatchedEndpoint

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

PLATEAU_TOLERANCE = 0.5
INVOCATION_NAMESPACE = "AWS/SageMaker"
INSTANCE_NAMESPACE = "/aws/sagemaker/Endpoints"


@dataclass(frozen=True)
class Metric:
    """A CloudWatch metric of an endpoint variant with one statistic."""

    namespace: str
    name: str
    statistic: str


LOADED_MODELS = Metric(INSTANCE_NAMESPACE, "LoadedModelCount", "Average")
MEMORY = Metric(INSTANCE_NAMESPACE, "MemoryUtilization", "Average")
HIT_RATIO = Metric(INVOCATION_NAMESPACE, "ModelCacheHit", "Average")
HITS = Metric(INVOCATION_NAMESPACE, "ModelCacheHit", "Sum")
LOOKUPS = Metric(INVOCATION_NAMESPACE, "ModelCacheHit", "SampleCount")
LOADS = Metric(INVOCATION_NAMESPACE, "ModelLoadingTime", "SampleCount")
UNLOADS = Metric(INVOCATION_NAMESPACE, "ModelUnloadingTime", "SampleCount")
INVOCATIONS = Metric(INVOCATION_NAMESPACE, "Invocations", "Sum")
CACHE_METRICS = (LOADED_MODELS, MEMORY, HIT_RATIO, HITS, LOOKUPS, LOADS, UNLOADS, INVOCATIONS)


@dataclass(frozen=True)
class Series:
    """Values of one metric; each timestamp (seconds since the epoch) begins a period."""

    period: int
    timestamps: tuple[float, ...] = ()
    values: tuple[float, ...] = ()

    def total(self, start: float = -math.inf, end: float = math.inf) -> float:
        """Sum of the values of the periods that begin in [start, end)."""
        return sum(self.within(start, end).values())

    def within(self, start: float, end: float) -> dict[float, float]:
        """Values by timestamp, of the periods that begin in [start, end)."""
        points = zip(self.timestamps, self.values, strict=True)
        return {timestamp: value for timestamp, value in points if start <= timestamp < end}


@dataclass(frozen=True)
class Plateau:
    """A stretch of time, in seconds since the epoch, on which a metric stood still."""

    start: float
    end: float
    value: float


class CloudWatchMetrics:
    """Reads metrics of one endpoint variant."""

    def __init__(self, cloudwatch: "CloudWatchClient", endpoint: WatchedEndpoint) -> None:
        self._cloudwatch = cloudwatch
        self._dimensions = {"EndpointName": endpoint.name, "VariantName": endpoint.variant}

    def read(
        self,
        metrics: Sequence[Metric],
        start: float,
        end: float,
        period: int,
        dimensions: Mapping[str, str] | None = None,
    ) -> dict[Metric, Series]:
        """Series of the metrics within [start, end) in seconds since the epoch.

        ``dimensions`` are further ones besides the endpoint's and variant's names.
        """
        queries = [
            self._query(f"m{number}", metric, period, dimensions or {})
            for number, metric in enumerate(metrics)
        ]
        points: dict[str, list[tuple[float, float]]] = {query["Id"]: [] for query in queries}
        pages = self._cloudwatch.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries,
            StartTime=_moment(start),
            EndTime=_moment(end),
            ScanBy="TimestampAscending",
        )
        for page in pages:
            for result in page["MetricDataResults"]:
                timestamps = (moment.timestamp() for moment in result["Timestamps"])
                points[result["Id"]] += zip(timestamps, result["Values"], strict=True)
        return {
            metric: _series(period, points[query["Id"]])
            for metric, query in zip(metrics, queries, strict=True)
        }

    def wait_for_invocations(
        self,
        count: int,
        start: float,
        end: float,
        period: int,
        timeout: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> bool:
        """Wait until CloudWatch has counted the invocations; False when it did not in time.

        Metrics reach CloudWatch a minute or two after the fact, and not all at the same moment:
        there is a last pause for those that come after the count.
        """
        deadline = time.monotonic() + timeout
        pause = min(5.0, max(0.5, period / 6))
        while self.read([LOOKUPS], start, end, period)[LOOKUPS].total() < count:
            if time.monotonic() > deadline:
                return False
            sleep(pause)
        sleep(pause)
        return True

    def _query(
        self, identifier: str, metric: Metric, period: int, dimensions: Mapping[str, str]
    ) -> "MetricDataQueryTypeDef":
        return {
            "Id": identifier,
            "MetricStat": {
                "Metric": {
                    "Namespace": metric.namespace,
                    "MetricName": metric.name,
                    "Dimensions": [
                        {"Name": name, "Value": value}
                        for name, value in {**self._dimensions, **dimensions}.items()
                    ],
                },
                "Period": period,
                "Stat": metric.statistic,
            },
        }


def floor_to_period(moment: float, period: int) -> float:
    """The beginning of the CloudWatch period that holds the moment."""
    return moment // period * period


def plateaus(series: Series, points: int = 3) -> list[Plateau]:
    """Stretches of at least so many equal values above zero, equal within half a unit."""
    found: list[Plateau] = []
    begin = 0
    for index in range(1, len(series.values) + 1):
        ended = index == len(series.values) or (
            abs(series.values[index] - series.values[begin]) > PLATEAU_TOLERANCE
        )
        if not ended:
            continue
        if index - begin >= points and series.values[begin] > 0:
            start, end = series.timestamps[begin], series.timestamps[index - 1]
            found.append(Plateau(start, end, series.values[index - 1]))
        begin = index
    return found


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _series(period: int, points: Sequence[tuple[float, float]]) -> Series:
    ordered = sorted(points)
    return Series(period, tuple(t for t, _ in ordered), tuple(value for _, value in ordered))

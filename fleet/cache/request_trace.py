"""Where the time of a request went, as far as SageMaker tells it.

SageMaker has no trace of a single request: it publishes metrics for each period. They are the
traced requests' own where no others came in the same period, and averages over all of them
otherwise.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import boto3

from fleet.cache.endpoint import describe_endpoint
from fleet.cache.metrics import (
    HITS,
    INVOCATION_NAMESPACE,
    LOOKUPS,
    CloudWatchMetrics,
    Metric,
    floor_to_period,
)
from fleet.console import Console
from fleet.errors import HousingError

LATEST_SECONDS = 6
"""Metrics of short periods may come under a later one where the machine is busy."""
TIMEOUT_SECONDS = 300.0
"""Metrics reach CloudWatch a minute or two after the fact."""


@dataclass(frozen=True)
class RequestTrace:
    """Seconds that the parts of a request took on average; None where CloudWatch has no value.

    ``client`` is measured by the caller; ``overhead`` is SageMaker's share outside of the
    containers, waiting for the model included; ``containers`` maps their host names to their
    shares. The values are of ``requests``, ``own_requests`` of which are the caller's.
    """

    client: float
    overhead: float
    loading_wait: float | None
    download: float | None
    load: float | None
    containers: Mapping[str, float | None]
    requests: int
    cold_requests: int
    own_requests: int

    @property
    def steps(self) -> Iterator[tuple[str, float | None]]:
        """The parts of a request, indented beneath the part that they belong to."""
        inside = self.overhead + sum(seconds or 0.0 for seconds in self.containers.values())
        yield "request, as the client sees it", self.client
        yield "  client library and network", max(0.0, self.client - inside)
        yield (
            "  authorization, routing and other overhead",
            max(0.0, self.overhead - (self.loading_wait or 0.0)),
        )
        if self.loading_wait is not None:
            yield "  waiting for the model", self.loading_wait
            if self.download is not None:
                yield "    download from S3", self.download
            yield "    load into memory", self.load
        for container, seconds in self.containers.items():
            yield f"  {container}", seconds

    @property
    def scope(self) -> str:
        """What the values are of, as a sentence."""
        cold = f"{self.cold_requests} of {self.requests} cold"
        if self.requests <= self.own_requests:
            return f"CloudWatch counted no other requests in the period ({cold})."
        return (
            f"These are averages: CloudWatch counted {self.requests - self.own_requests} other "
            f"requests in the period ({cold})."
        )


def trace_requests(
    session: boto3.Session, endpoint_name: str, started: float, latencies: Sequence[float]
) -> RequestTrace:
    """Wait for the metrics of requests that took ``latencies`` in seconds, one after the other.

    ``started`` in seconds since the epoch.

    Raises
    ------
    HousingError
        When CloudWatch does not have the metrics in time.
    """
    endpoint = describe_endpoint(session, endpoint_name)
    metrics = CloudWatchMetrics(session.client("cloudwatch"), endpoint)
    period = endpoint.metrics_period
    window = _Window(
        metrics,
        floor_to_period(started, period),
        floor_to_period(started + sum(latencies), period) + max(2 * period, LATEST_SECONDS),
        period,
    )
    if not metrics.wait_for_invocations(
        len(latencies), window.start, window.end, period, TIMEOUT_SECONDS
    ):
        raise HousingError(
            f"CloudWatch had no metrics of the request after {TIMEOUT_SECONDS:g} seconds"
        )
    requests = window.total(LOOKUPS)
    return RequestTrace(
        client=fmean(latencies),
        overhead=window.seconds("OverheadLatency") or 0.0,
        loading_wait=window.seconds("ModelLoadingWaitTime"),
        download=window.seconds("ModelDownloadingTime"),
        load=window.seconds("ModelLoadingTime"),
        containers={name: window.seconds("ContainerLatency", name) for name in endpoint.containers},
        requests=requests,
        cold_requests=requests - window.total(HITS),
        own_requests=len(latencies),
    )


def print_trace(console: Console, trace: RequestTrace) -> None:
    """Print the parts with their milliseconds."""
    rows = [
        (name, "–" if seconds is None else f"{seconds * 1000:,.2f}")
        for name, seconds in trace.steps
    ]
    console.table("Where the time went", ("", "ms"), rows)
    console.say(trace.scope)


@dataclass(frozen=True)
class _Window:
    """The periods in which the requests were counted."""

    metrics: CloudWatchMetrics
    start: float
    end: float
    period: int

    def total(self, metric: Metric) -> int:
        series = self.metrics.read([metric], self.start, self.end, self.period)
        return round(series[metric].total())

    def seconds(self, name: str, container: str | None = None) -> float | None:
        """Average of a metric in microseconds, as seconds."""
        total = Metric(INVOCATION_NAMESPACE, name, "Sum")
        count = Metric(INVOCATION_NAMESPACE, name, "SampleCount")
        dimensions = {"ContainerName": container} if container else {}
        series = self.metrics.read([total, count], self.start, self.end, self.period, dimensions)
        samples = series[count].total()
        return series[total].total() / samples / 1e6 if samples else None

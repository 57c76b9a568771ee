"""Where the time of one request went, as far as SageMaker tells it.

SageMaker has no trace of a single request: it publishes metrics for each period. They are this
request's own where it was the only one in its period, and averages over all requests otherwise.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scripts.cache.endpoint import WatchedEndpoint
from scripts.cache.metrics import (
    HITS,
    INVOCATION_NAMESPACE,
    LOOKUPS,
    CloudWatchMetrics,
    Metric,
    floor_to_period,
)

TIMES = (
    "OverheadLatency",
    "ModelLoadingWaitTime",
    "ModelDownloadingTime",
    "ModelLoadingTime",
)


@dataclass(frozen=True)
class RequestTrace:
    """Seconds that the parts of a request took; None where CloudWatch has no value.

    ``client`` is measured by the caller; ``overhead`` is SageMaker's share outside of the
    containers, waiting for the model included; ``containers`` maps their host names to their
    shares. ``requests`` counts the requests that the values are averaged over.
    """

    client: float
    overhead: float | None
    loading_wait: float | None
    download: float | None
    load: float | None
    containers: Mapping[str, float | None]
    requests: int
    cold_requests: int

    def steps(self, labels: Mapping[str, str]) -> Iterator[tuple[str, float | None]]:
        """Parts of the request in order, each with its seconds; ``labels`` name containers."""
        yield "client, in all", self.client
        if self.overhead is None:
            return
        waited = self.loading_wait or 0.0
        inside = self.overhead + sum(value or 0.0 for value in self.containers.values())
        yield "  network and client library", max(0.0, self.client - inside)
        yield "  authorization and routing", max(0.0, self.overhead - waited)
        if self.loading_wait is not None:
            yield "  waiting for the model", self.loading_wait
            yield "    download from S3", self.download
            yield "    load into memory", self.load
        for container, seconds in self.containers.items():
            yield f"  {labels.get(container, container)}", seconds


def read_trace(
    metrics: CloudWatchMetrics,
    endpoint: WatchedEndpoint,
    started: float,
    client_seconds: float,
    timeout: float,
) -> RequestTrace | None:
    """Wait for the metrics of a request that began at ``started``; None when they did not come.

    ``started`` in seconds since the epoch; ``timeout`` in seconds.
    """
    period = endpoint.metrics_period
    begin = floor_to_period(started, period)
    end = floor_to_period(started + client_seconds, period) + 2 * period
    if not metrics.wait_for_invocations(1, begin, end, period, timeout):
        return None

    def average(name: str, dimensions: Mapping[str, str] | None = None) -> float | None:
        total = Metric(INVOCATION_NAMESPACE, name, "Sum")
        count = Metric(INVOCATION_NAMESPACE, name, "SampleCount")
        series = metrics.read([total, count], begin, end, period, dimensions)
        samples = series[count].total()
        return series[total].total() / samples / 1e6 if samples else None

    seconds = {name: average(name) for name in TIMES}
    lookups = metrics.read([LOOKUPS, HITS], begin, end, period)
    requests = round(lookups[LOOKUPS].total())
    return RequestTrace(
        client=client_seconds,
        overhead=seconds["OverheadLatency"],
        loading_wait=seconds["ModelLoadingWaitTime"],
        download=seconds["ModelDownloadingTime"],
        load=seconds["ModelLoadingTime"],
        containers={
            name: average("ContainerLatency", {"ContainerName": name})
            for name in endpoint.containers
        },
        requests=requests,
        cold_requests=requests - round(lookups[HITS].total()),
    )

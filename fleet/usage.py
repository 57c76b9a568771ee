"""Who uses which model, by what clients note of their requests.

SageMaker tells of no single model how often it was asked, nor of an invocation whether it was cold.
CloudWatch counts the cold ones of the endpoint; *which* they were is inferred, as in
``fleet.cache.temperature``: the slowest are taken for them.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fleet.cache.endpoint import WatchedEndpoint
from fleet.cache.metrics import HITS, LOOKUPS, CloudWatchMetrics
from fleet.errors import HousingError
from fleet.invocation_log import PATTERN

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

LONGEST_QUERY_SECONDS = 120.0
MOST_CITIES = 10_000
"""Rows that Logs Insights returns, the busiest cities first."""
_PARSED = f"filter @message like /CloudWatchMetrics/ | parse @message {PATTERN}"

Row = Mapping[str, str]


class UsageError(HousingError):
    """The log group cannot be read; one line."""


@dataclass(frozen=True)
class CityUsage:
    """One city's requests in a stretch of time.

    ``mean_ms`` and ``p95_ms`` are latencies in milliseconds; ``share`` is the city's part of the
    time that all requests took, and so of what the instances cost; ``cold`` requests are inferred,
    None where CloudWatch does not know how many there were.
    """

    city: str
    requests: int
    errors: int
    rows: int
    mean_ms: float
    p95_ms: float
    share: float
    cold: int | None = None


@dataclass(frozen=True)
class ClientLogs:
    """What clients noted in a log group between two moments, in seconds since the epoch."""

    client: "CloudWatchLogsClient"
    group: str
    start: float
    end: float

    def usage(self, cold_share: float | None = None) -> list[CityUsage]:
        """The cities by their requests, the busiest first; ``cold_share`` of all are cold."""
        rows = self._query(
            f"{_PARSED} | stats count(*) as requests, sum(errors) as failed, sum(rows) as sent,"
            " sum(milliseconds) as busy, avg(milliseconds) as mean, pct(milliseconds, 95) as p95"
            " by city | sort requests desc"
        )
        cold = None if cold_share is None else dict(self._cold(cold_share))
        total = sum(float(row["busy"]) for row in rows) or 1.0
        return [
            CityUsage(
                row["city"],
                round(float(row["requests"])),
                round(float(row["failed"])),
                round(float(row["sent"])),
                float(row["mean"]),
                float(row["p95"]),
                float(row["busy"]) / total,
                None if cold is None else cold.get(row["city"], 0),
            )
            for row in rows
            if row.get("city")
        ]

    def busiest(self, most: int) -> list[str]:
        """The cities that were asked most."""
        rows = self._query(
            f"{_PARSED} | stats count(*) as requests by city | sort requests desc | limit {most}"
        )
        return [row["city"] for row in rows if row.get("city")]

    def _cold(self, share: float) -> Iterator[tuple[str, int]]:
        """How many of the slowest requests were each city's."""
        if share <= 0:
            return
        quantile = max(0.0, 100 * (1 - share))
        ok = f'{_PARSED} | filter errors = "0"'
        (slowest,) = self._query(f"{ok} | stats pct(milliseconds, {quantile:.6g}) as least") or [{}]
        if "least" not in slowest:
            return
        least = float(slowest["least"])
        rows = self._query(f"{ok} | filter milliseconds >= {least!r} | stats count(*) as n by city")
        for row in rows:
            yield row["city"], round(float(row["n"]))

    def _query(self, text: str) -> list[Row]:
        missing = self.client.exceptions.ResourceNotFoundException
        try:
            started = self.client.start_query(
                logGroupName=self.group,
                startTime=int(self.start),
                endTime=int(self.end) + 1,
                queryString=text,
                limit=MOST_CITIES,
            )
        except missing:
            raise UsageError(f"there is no log group {self.group}") from None
        answer = _wait(lambda: self.client.get_query_results(queryId=started["queryId"]))
        if answer["status"] != "Complete":
            raise UsageError(f"the query of {self.group} ended as {answer['status']}")
        return [{cell["field"]: cell["value"] for cell in row} for row in answer["results"]]


def cold_share(
    metrics: CloudWatchMetrics, endpoint: WatchedEndpoint, start: float, end: float
) -> float | None:
    """The share of an endpoint's invocations that found no model loaded; None without metrics."""
    series = metrics.read([HITS, LOOKUPS], start, end, max(60, endpoint.metrics_period))
    lookups = series[LOOKUPS].total()
    return 1 - series[HITS].total() / lookups if lookups else None


def _wait(poll: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + LONGEST_QUERY_SECONDS
    pause = 0.02
    while (answer := poll())["status"] in ("Running", "Scheduled"):
        if time.monotonic() > deadline:
            raise UsageError(f"Logs Insights did not answer in {LONGEST_QUERY_SECONDS:g} seconds")
        time.sleep(pause)
        pause = min(1.0, pause * 2)
    return answer

"""What clients note of their requests: a line each, in CloudWatch's embedded metric format.

SageMaker publishes no metric of a single model. A line says which city it was; the metrics that
CloudWatch makes of the lines are of the endpoint alone, because each city as a dimension would be
a metric of its own, and paid for as one. Logs Insights reads the lines by city.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TextIO

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import InputLogEventTypeDef

NAMESPACE = "Housing/Clients"
METRICS = {"Requests": "Count", "Errors": "Count", "Rows": "Count", "Latency": "Milliseconds"}
PATTERN = (
    r'/"City":"(?<city>[^"]+)".*"Errors":(?<errors>\d+),"Rows":(?<rows>\d+),'
    r'"Latency":(?<milliseconds>[0-9.]+)/'
)
"""Finds the fields of a line, for ``parse`` of Logs Insights."""
LINES_AT_ONCE = 500
SECONDS_BETWEEN = 5.0
MOST_WAITING = 10_000
"""Lines that wait for CloudWatch; where it does not answer, the oldest are given up."""


@dataclass(frozen=True)
class Invocation:
    """One request as its client saw it; ``seconds`` with all attempts, ``error`` a code of AWS."""

    endpoint: str
    city: str
    target_model: str
    rows: int
    seconds: float
    error: str = ""

    def line(self, now: float) -> str:
        """The request as a line; ``now`` in seconds since the epoch."""
        definitions = [{"Name": name, "Unit": unit} for name, unit in METRICS.items()]
        directive = {
            "Namespace": NAMESPACE,
            "Dimensions": [["Endpoint"]],
            "Metrics": definitions,
        }
        values = {
            "_aws": {"Timestamp": round(now * 1000), "CloudWatchMetrics": [directive]},
            "Endpoint": self.endpoint,
            "City": self.city,
            "TargetModel": self.target_model,
            **({"Error": self.error} if self.error else {}),
            "Requests": 1,
            "Errors": int(bool(self.error)),
            "Rows": self.rows,
            "Latency": round(self.seconds * 1000, 3),
        }
        return json.dumps(values, separators=(",", ":"))


def to_stdout(line: str, stream: TextIO | None = None) -> None:
    """For Lambda and containers, whose standard output goes to CloudWatch Logs."""
    print(line, file=stream or sys.stdout, flush=True)


class LogGroup:
    """Writes lines to a log group, many at once; a client's answers never wait or fail for it."""

    def __init__(self, client: "CloudWatchLogsClient", name: str) -> None:
        self._client = client
        self._name = name
        self._waiting: deque[InputLogEventTypeDef] = deque(maxlen=MOST_WAITING)
        self._lock = threading.Lock()
        self._written = time.monotonic()

    def __call__(self, line: str) -> None:
        self._waiting.append({"timestamp": round(time.time() * 1000), "message": line})
        is_due = time.monotonic() - self._written > SECONDS_BETWEEN
        if is_due or len(self._waiting) >= LINES_AT_ONCE:
            self.flush()

    def flush(self) -> bool:
        """Write what waits; False where CloudWatch does not take it, and it goes on waiting."""
        with self._lock:
            self._written = time.monotonic()
            stream = time.strftime("clients/%Y-%m-%d", time.gmtime())
            while self._waiting:
                count = min(len(self._waiting), LINES_AT_ONCE)
                events = [self._waiting.popleft() for _ in range(count)]
                try:
                    self._put(stream, events)
                except (BotoCoreError, ClientError):
                    self._waiting.extendleft(reversed(events))
                    return False
        return True

    def _put(self, stream: str, events: "list[InputLogEventTypeDef]") -> None:
        ordered = sorted(events, key=lambda event: event["timestamp"])
        put = partial(
            self._client.put_log_events,
            logGroupName=self._name,
            logStreamName=stream,
            logEvents=ordered,
        )
        try:
            put()
        except self._client.exceptions.ResourceNotFoundException:
            with suppress(self._client.exceptions.ResourceAlreadyExistsException):
                self._client.create_log_stream(logGroupName=self._name, logStreamName=stream)
            put()

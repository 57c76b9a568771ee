"""Metrics that a training job's log lines report."""

import math
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class FinalMetric:
    """The last value of a metric; ``timestamp`` in seconds since the epoch."""

    name: str
    value: float
    timestamp: float


class MetricScanner:
    """Looks for MetricDefinitions in log lines; the last match of each is its final value.

    What is no finite number is no value: CloudWatch takes none
    (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html).

    ``definitions`` maps a metric's name to a regular expression with one group around the number
    (https://docs.aws.amazon.com/sagemaker/latest/dg/define-train-metrics.html).
    """

    def __init__(self, definitions: Mapping[str, str]) -> None:
        self._patterns = {name: re.compile(pattern) for name, pattern in definitions.items()}
        self._final: dict[str, FinalMetric] = {}
        self._new: list[FinalMetric] = []
        self._lock = threading.Lock()

    def scan(self, line: str) -> None:
        """Take the metrics that a line holds."""
        now = time.time()
        found = [
            FinalMetric(name, value, now)
            for name, pattern in self._patterns.items()
            if (value := _value(pattern, line)) is not None
        ]
        with self._lock:
            self._new += found
            self._final.update((metric.name, metric) for metric in found)

    def take_new(self) -> list[FinalMetric]:
        """Every value that was found since the last call."""
        with self._lock:
            new, self._new = self._new, []
        return new

    @property
    def final(self) -> tuple[FinalMetric, ...]:
        with self._lock:
            return tuple(self._final.values())


def _value(pattern: re.Pattern[str], line: str) -> float | None:
    match = pattern.search(line)
    if match is None or not pattern.groups:
        return None
    try:
        value = float(match.group(1))
    except ValueError:
        return None
    return value if math.isfinite(value) else None

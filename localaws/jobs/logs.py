"""Log lines on their way to CloudWatch Logs, and the metrics that they report."""

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from localaws.backend import Backend, Scope
from localaws.patterns import Pattern, PatternError

logger = logging.getLogger(__name__)

Lines = Sequence[tuple[float, str]]

FLUSH_SECONDS = 0.5


class LogStream:
    """Collects lines, from any thread, and appends them to one log stream when told to."""

    def __init__(self, append: Callable[[Lines], None]) -> None:
        self._append = append
        self._lock = threading.Lock()
        self._lines: list[tuple[float, str]] = []
        self._flushed_at = 0.0

    def __call__(self, line: str) -> None:
        with self._lock:
            self._lines.append((time.time(), line))

    def flush_now_and_then(self) -> None:
        """Append what there is, unless that was done a moment ago; to be called often."""
        if time.monotonic() - self._flushed_at >= FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Append what there is."""
        with self._lock:
            lines, self._lines = self._lines, []
            self._flushed_at = time.monotonic()
        if lines:
            self._append(lines)


def open_log_stream(backend: Backend, scope: Scope, group: str, stream: str) -> LogStream:
    """A stream of a log group, both made when their first line arrives."""
    return LogStream(lambda lines: backend.put_log_lines(scope, group, stream, lines))


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
        self._patterns = {name: Pattern(pattern) for name, pattern in definitions.items()}
        self._final: dict[str, FinalMetric] = {}
        self._new: list[FinalMetric] = []
        self._lock = threading.Lock()

    def scan(self, line: str) -> None:
        """Take the metrics that a line holds."""
        now = time.time()
        found = [
            FinalMetric(name, value, now)
            for name in list(self._patterns)
            if (value := self._value(name, line)) is not None
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

    def _value(self, name: str, line: str) -> float | None:
        pattern = self._patterns[name]
        try:
            match = pattern.search(line)
        except PatternError as error:
            logger.warning("metric %s is not looked for any more: %s", name, error)
            del self._patterns[name]
            return None
        if match is None or not pattern.groups:
            return None
        return _number(match.group(1) or "")


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None

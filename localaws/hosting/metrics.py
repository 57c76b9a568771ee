"""CloudWatch metrics, summed up in memory and sent once a second.

Names, units and dimensions:
https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from localaws.backend import Backend, MetricValues, Scope

Unit = Literal["Microseconds", "Percent", "None"]
SIGNIFICANT_DIGITS = 3


@dataclass(frozen=True)
class Metric:
    """One metric of one variant (or container); ``record`` adds a value from any thread."""

    scope: Scope
    namespace: str
    name: str
    unit: Unit
    dimensions: Mapping[str, str]
    values: deque[float] = field(default_factory=deque)

    def record(self, value: float) -> None:
        """Add one value."""
        self.values.append(value)

    def drain(self, timestamp: float) -> MetricValues | None:
        """Take out what was recorded; None when that is nothing."""
        count = len(self.values)
        if not count:
            return None
        counts = Counter(_rounded(self.values.popleft()) for _ in range(count))
        return MetricValues(
            name=self.name,
            dimensions=self.dimensions,
            unit=self.unit,
            timestamp=timestamp,
            values=list(counts),
            counts=[float(count) for count in counts.values()],
        )


def _rounded(value: float) -> float:
    """To three digits: thousands of latencies a second then share a few hundred values."""
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}") if value > 1 else value


class MetricsPublisher:
    """Knows every metric that is alive and sends what they gathered."""

    def __init__(self, backend: Backend, now: Callable[[], float] = time.time) -> None:
        self._backend = backend
        self._now = now
        self._metrics: dict[tuple[Scope, str, str, tuple[tuple[str, str], ...]], Metric] = {}

    def metric(
        self, scope: Scope, namespace: str, name: str, unit: Unit, dimensions: Mapping[str, str]
    ) -> Metric:
        """The metric of these names, the same object each time."""
        key = (scope, namespace, name, tuple(sorted(dimensions.items())))
        fresh = Metric(scope, namespace, name, unit, dict(dimensions))
        return self._metrics.setdefault(key, fresh)

    def flush(self) -> None:
        """Send everything recorded so far."""
        now = self._now()
        batches: dict[tuple[Scope, str], list[MetricValues]] = {}
        for metric in list(self._metrics.values()):
            if (values := metric.drain(now)) is not None:
                batches.setdefault((metric.scope, metric.namespace), []).append(values)
        for (scope, namespace), values_list in batches.items():
            self._backend.put_metrics(scope, namespace, values_list)

"""CloudWatch metrics of a variant, summed up in memory and sent once a second.

Names, units and dimensions:
https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html and
https://docs.aws.amazon.com/sagemaker/latest/dg/multi-model-endpoint-cloudwatch-metrics.html
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from localaws.backend import Backend, MetricValues, Scope
from localaws.errors import AwsError
from localaws.hosting.specification import EndpointSpecification, VariantSpecification

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


INVOCATION_NAMESPACE = "AWS/SageMaker"
INSTANCE_NAMESPACE = "/aws/sagemaker/Endpoints"


class VariantMetrics:
    """One attribute for each metric of a variant."""

    def __init__(
        self,
        publisher: MetricsPublisher,
        endpoint: EndpointSpecification,
        variant: VariantSpecification,
    ) -> None:
        self._publisher = publisher
        self._scope = endpoint.scope
        self._dimensions = {"EndpointName": endpoint.name, "VariantName": variant.name}
        self.invocations = self._invocation("Invocations")
        self.invocations_per_instance = self._invocation("InvocationsPerInstance")
        self.client_errors = self._invocation("Invocation4XXErrors")
        self.server_errors = self._invocation("Invocation5XXErrors")
        self.model_errors = self._invocation("InvocationModelErrors")
        self.model_latency = self._invocation("ModelLatency", "Microseconds")
        self.overhead_latency = self._invocation("OverheadLatency", "Microseconds")
        self.model_cache_hit = self._invocation("ModelCacheHit")
        self.model_loading_wait_time = self._invocation("ModelLoadingWaitTime", "Microseconds")
        self.model_downloading_time = self._invocation("ModelDownloadingTime", "Microseconds")
        self.model_loading_time = self._invocation("ModelLoadingTime", "Microseconds")
        self.model_unloading_time = self._invocation("ModelUnloadingTime", "Microseconds")
        self.loaded_model_count = self._instance("LoadedModelCount", "None")
        self.memory_utilization = self._instance("MemoryUtilization", "Percent")
        self.disk_utilization = self._instance("DiskUtilization", "Percent")
        self.cpu_utilization = self._instance("CPUUtilization", "Percent")

    def record_success(self, instances: int, model_seconds: float, overhead_seconds: float) -> None:
        """Count an invocation that was answered."""
        self.invocations.record(1.0)
        self.invocations_per_instance.record(1.0 / instances)
        self.client_errors.record(0.0)
        self.server_errors.record(0.0)
        self.model_errors.record(0.0)
        self.model_latency.record(model_seconds * 1e6)
        self.overhead_latency.record(overhead_seconds * 1e6)

    def record_failure(self, instances: int, error: AwsError) -> None:
        """Count one that was not: a ModelError by the container's status, another by its own."""
        status = error.fields.get("OriginalStatusCode", error.status)
        is_client_error = isinstance(status, int) and 400 <= status < 500
        self.invocations.record(1.0)
        self.invocations_per_instance.record(1.0 / instances)
        self.client_errors.record(1.0 if is_client_error else 0.0)
        self.server_errors.record(0.0 if is_client_error else 1.0)
        self.model_errors.record(1.0 if error.code == "ModelError" else 0.0)

    def container_latency(self, container_name: str) -> Metric:
        """ContainerLatency of one container of a pipeline."""
        dimensions = {**self._dimensions, "ContainerName": container_name}
        return self._publisher.metric(
            self._scope, INVOCATION_NAMESPACE, "ContainerLatency", "Microseconds", dimensions
        )

    def _invocation(self, name: str, unit: Unit = "None") -> Metric:
        return self._publisher.metric(
            self._scope, INVOCATION_NAMESPACE, name, unit, self._dimensions
        )

    def _instance(self, name: str, unit: Unit) -> Metric:
        return self._publisher.metric(self._scope, INSTANCE_NAMESPACE, name, unit, self._dimensions)

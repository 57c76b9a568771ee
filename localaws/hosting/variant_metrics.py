"""The metrics that SageMaker emits for a production variant.

https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html and
https://docs.aws.amazon.com/sagemaker/latest/dg/multi-model-endpoint-cloudwatch-metrics.html
"""

from localaws.errors import AwsError
from localaws.hosting.metrics import Metric, MetricsPublisher, Unit
from localaws.hosting.specification import EndpointSpecification, VariantSpecification

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

"""The CloudWatch metrics of multi-model endpoints.

Names, namespaces, units and statistics are those of
https://docs.aws.amazon.com/sagemaker/latest/dg/multi-model-endpoint-cloudwatch-metrics.html and
https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html. SageMaker publishes them
once a minute, for the endpoint's variant and not for single models.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch

INVOCATION_NAMESPACE = "AWS/SageMaker"
INSTANCE_NAMESPACE = "/aws/sagemaker/Endpoints"
# As ``cloudwatch.Stats`` has them; to read them there would ask the CDK's process at each import.
AVERAGE = "Average"
SUM = "Sum"


class EndpointMetrics(ABC):
    """One method for every metric; mixed into endpoints.

    Every method takes ``statistic`` and ``period``. Defaults: counts are summed, times and ratios
    averaged; one minute.
    """

    @property
    @abstractmethod
    def metric_dimensions(self) -> Mapping[str, str]:
        """EndpointName and VariantName."""

    def metric(
        self,
        metric_name: str,
        *,
        namespace: str = INVOCATION_NAMESPACE,
        statistic: str = AVERAGE,
        unit: cloudwatch.Unit | None = None,
        period: cdk.Duration | None = None,
        container_name: str | None = None,
    ) -> cloudwatch.Metric:
        """Any metric of this endpoint, by SageMaker's own name.

        Without ``unit``, so that an alarm does not pass over data that has another one.
        """
        dimensions = dict(self.metric_dimensions)
        if container_name is not None:
            dimensions["ContainerName"] = container_name
        return cloudwatch.Metric(
            namespace=namespace,
            metric_name=metric_name,
            dimensions_map=dimensions,
            statistic=statistic,
            unit=unit,
            period=period or cdk.Duration.minutes(1),
        )

    def metric_invocations(
        self, *, statistic: str = SUM, period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """Requests sent to the endpoint."""
        return self._count("Invocations", statistic, period)

    def metric_invocations_per_instance(
        self, *, statistic: str = SUM, period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """Requests divided by the number of instances."""
        return self._count("InvocationsPerInstance", statistic, period)

    def metric_invocation_4xx_errors(
        self, *, statistic: str = SUM, period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """Requests answered with a 4xx status; zeros are published for the others."""
        return self._count("Invocation4XXErrors", statistic, period)

    def metric_invocation_5xx_errors(
        self, *, statistic: str = SUM, period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """Requests answered with a 5xx status; zeros are published for the others."""
        return self._count("Invocation5XXErrors", statistic, period)

    def metric_invocation_model_errors(
        self, *, statistic: str = SUM, period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """Requests that the containers did not answer with a 2xx status."""
        return self._count("InvocationModelErrors", statistic, period)

    def metric_model_latency(
        self, *, statistic: str = AVERAGE, period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """Microseconds that all containers of the pipeline took together."""
        return self._time("ModelLatency", statistic, period)

    def metric_overhead_latency(
        self, *, statistic: str = AVERAGE, period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """Microseconds that SageMaker added to those of the containers."""
        return self._time("OverheadLatency", statistic, period)

    def metric_container_latency(
        self,
        container_name: str,
        *,
        statistic: str = AVERAGE,
        period: cdk.Duration | None = None,
    ) -> cloudwatch.Metric:
        """Microseconds that one container of the pipeline took."""
        return self._time("ContainerLatency", statistic, period, container_name)

    def metric_model_loading_wait_time(
        self, *, statistic: str = AVERAGE, period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """Microseconds that a request waited for its model to be downloaded, or loaded, or both."""
        return self._time("ModelLoadingWaitTime", statistic, period)

    def metric_model_downloading_time(
        self, *, statistic: str = AVERAGE, period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """Microseconds that downloads of models from S3 took."""
        return self._time("ModelDownloadingTime", statistic, period)

    def metric_model_loading_time(
        self, *, statistic: str = AVERAGE, period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """Microseconds that the container took to load models."""
        return self._time("ModelLoadingTime", statistic, period)

    def metric_model_unloading_time(
        self, *, statistic: str = AVERAGE, period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """Microseconds that the container took to unload models; SampleCount is how many."""
        return self._time("ModelUnloadingTime", statistic, period)

    def metric_model_cache_hit(
        self, *, statistic: str = AVERAGE, period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """Share of requests whose model was loaded already, from 0 to 1."""
        return self._count("ModelCacheHit", statistic, period)

    def metric_loaded_model_count(
        self, *, statistic: str = AVERAGE, period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """Models in memory, an instance; Sum counts a model once for every instance it is on."""
        return self._instance("LoadedModelCount", statistic, period)

    def metric_cpu_utilization(
        self, *, statistic: str = AVERAGE, period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """Percent of one CPU that the containers use: up to 400 on four CPUs."""
        return self._instance("CPUUtilization", statistic, period)

    def metric_memory_utilization(
        self, *, statistic: str = AVERAGE, period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """Percent of an instance's memory that the containers use."""
        return self._instance("MemoryUtilization", statistic, period)

    def metric_disk_utilization(
        self, *, statistic: str = AVERAGE, period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """Percent of an instance's storage that the containers and downloaded models use."""
        return self._instance("DiskUtilization", statistic, period)

    def _count(self, name: str, statistic: str, period: cdk.Duration | None) -> cloudwatch.Metric:
        return self.metric(name, statistic=statistic, period=period)

    def _time(
        self,
        name: str,
        statistic: str,
        period: cdk.Duration | None,
        container_name: str | None = None,
    ) -> cloudwatch.Metric:
        return self.metric(
            name,
            statistic=statistic,
            period=period,
            container_name=container_name,
        )

    def _instance(
        self, name: str, statistic: str, period: cdk.Duration | None
    ) -> cloudwatch.Metric:
        return self.metric(name, namespace=INSTANCE_NAMESPACE, statistic=statistic, period=period)

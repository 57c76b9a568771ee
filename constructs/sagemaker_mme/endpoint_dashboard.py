"""A CloudWatch dashboard that answers whether the model cache is large enough."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from sagemaker_mme.endpoint_base import EndpointVariant, MultiModelEndpointBase

_HALF = 12


class EndpointDashboard(cloudwatch.Dashboard):
    """Models in memory, cache hits, latencies, loading times, traffic and errors of each variant.

    Parameters
    ----------
    endpoint
        The endpoint.
    dashboard_name
        Default: made by CloudFormation.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: MultiModelEndpointBase,
        dashboard_name: str | None = None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            dashboard_name=dashboard_name,
            default_interval=cdk.Duration.hours(3),
        )
        for variant in endpoint.variants:
            if len(endpoint.variants) > 1:
                self.add_widgets(
                    cloudwatch.TextWidget(
                        markdown=f"# {variant.variant_name}", width=2 * _HALF, height=1
                    )
                )
            self.add_widgets(_memory(variant), _cache_hits(variant))
            self.add_widgets(_latency(variant), _container_latency(variant))
            self.add_widgets(_loading_times(variant), _unloading(variant))
            self.add_widgets(_traffic(variant), _utilization(variant))


def _memory(endpoint: EndpointVariant) -> cloudwatch.IWidget:
    return _graph(
        "Models in memory, and the memory they take",
        left=[endpoint.metric_loaded_model_count()],
        right=[endpoint.metric_memory_utilization()],
        left_label="Models an instance",
        right_axis=cloudwatch.YAxisProps(label="Percent", min=0, max=100, show_units=False),
    )


def _cache_hits(endpoint: EndpointVariant) -> cloudwatch.IWidget:
    return _graph(
        "Models in memory, and requests that found theirs there",
        left=[endpoint.metric_loaded_model_count()],
        right=[endpoint.metric_model_cache_hit()],
        left_label="Models an instance",
        right_axis=cloudwatch.YAxisProps(label="Hit ratio", min=0, max=1, show_units=False),
    )


def _latency(endpoint: EndpointVariant) -> cloudwatch.IWidget:
    return _graph(
        "Latency of the pipeline and of SageMaker around it",
        left=[
            *(
                endpoint.metric_model_latency(statistic=statistic)
                for statistic in (cloudwatch.Stats.percentile(50), cloudwatch.Stats.percentile(99))
            ),
            endpoint.metric_overhead_latency(),
        ],
        left_label="Microseconds",
    )


def _container_latency(endpoint: EndpointVariant) -> cloudwatch.IWidget:
    return _graph(
        "Latency of each container",
        left=[endpoint.metric_container_latency(name) for name in endpoint.container_names],
        left_label="Microseconds",
    )


def _loading_times(endpoint: EndpointVariant) -> cloudwatch.IWidget:
    return _graph(
        "What a cold model costs",
        left=[
            endpoint.metric_model_loading_wait_time(),
            endpoint.metric_model_downloading_time(),
            endpoint.metric_model_loading_time(),
        ],
        left_label="Microseconds",
    )


def _unloading(endpoint: EndpointVariant) -> cloudwatch.IWidget:
    return _graph(
        "Models loaded and unloaded: thrashing, when both stay high",
        left=[
            endpoint.metric_model_loading_time(statistic=cloudwatch.Stats.SAMPLE_COUNT),
            endpoint.metric_model_unloading_time(statistic=cloudwatch.Stats.SAMPLE_COUNT),
        ],
        left_label="Models a minute",
    )


def _traffic(endpoint: EndpointVariant) -> cloudwatch.IWidget:
    return _graph(
        "Requests and errors",
        left=[endpoint.metric_invocations(), endpoint.metric_invocations_per_instance()],
        right=[
            endpoint.metric_invocation_4xx_errors(),
            endpoint.metric_invocation_5xx_errors(),
            endpoint.metric_invocation_model_errors(),
        ],
        left_label="Requests a minute",
        right_axis=cloudwatch.YAxisProps(label="Errors a minute", min=0, show_units=False),
    )


def _utilization(endpoint: EndpointVariant) -> cloudwatch.IWidget:
    return _graph(
        "CPU and disk",
        left=[endpoint.metric_cpu_utilization(), endpoint.metric_disk_utilization()],
        left_label="Percent",
    )


def _graph(
    title: str,
    *,
    left: list[cloudwatch.IMetric],
    left_label: str,
    right: list[cloudwatch.IMetric] | None = None,
    right_axis: cloudwatch.YAxisProps | None = None,
) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=title,
        width=_HALF,
        left=left,
        right=right,
        left_y_axis=cloudwatch.YAxisProps(label=left_label, min=0, show_units=False),
        right_y_axis=right_axis,
    )

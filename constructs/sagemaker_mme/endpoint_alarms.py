"""Alarms for what goes wrong with a multi-model endpoint."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from sagemaker_mme.endpoint_base import MultiModelEndpointBase


class EndpointAlarms(Construct):
    """Errors, slowness and a cache that is too small, each with a threshold that can be changed.

    Parameters
    ----------
    endpoint
        The endpoint.
    topic
        Where alarms are sent, and their ends. Default: nowhere.
    period
        The time over which each metric is summed up. Default: 5 minutes.
    server_errors
        5xx answers in one period. Default: 5.
    model_latency
        99th percentile of the pipeline in 3 of 3 periods. Default: 1 s.
    loading_wait
        Average time that requests waited for a cold model, in 3 of 3 periods. Default: 5 s.
    memory_percent
        Average memory in use in 3 of 3 periods. Models are unloaded before memory runs out, so
        this warns of containers that grow. Default: 90.
    unloaded_models
        Models unloaded in one period, in 2 of 2 periods: the working set does not fit. Default:
        20.
    cache_hit_ratio
        Average share of warm requests below this in 3 of 3 periods. Default: 0.5.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: MultiModelEndpointBase,
        topic: sns.ITopic | None = None,
        period: cdk.Duration | None = None,
        server_errors: int = 5,
        model_latency: cdk.Duration | None = None,
        loading_wait: cdk.Duration | None = None,
        memory_percent: float = 90,
        unloaded_models: int = 20,
        cache_hit_ratio: float = 0.5,
    ) -> None:
        super().__init__(scope, construct_id)
        every = period or cdk.Duration.minutes(5)
        self._endpoint = endpoint
        self.server_errors = self._alarm(
            "ServerErrors",
            "The endpoint answers requests with 5xx",
            endpoint.metric_invocation_5xx_errors(period=every),
            threshold=server_errors,
        )
        self.model_latency = self._alarm(
            "ModelLatency",
            "One request in a hundred takes too long in the containers",
            endpoint.metric_model_latency(statistic=cloudwatch.Stats.percentile(99), period=every),
            threshold=_microseconds(model_latency or cdk.Duration.seconds(1)),
            periods=3,
        )
        self.loading_wait = self._alarm(
            "LoadingWait",
            "Requests wait too long for models that are not in memory",
            endpoint.metric_model_loading_wait_time(period=every),
            threshold=_microseconds(loading_wait or cdk.Duration.seconds(5)),
            periods=3,
        )
        self.memory = self._alarm(
            "Memory",
            "The containers take more memory than models should",
            endpoint.metric_memory_utilization(period=every),
            threshold=memory_percent,
            periods=3,
        )
        self.thrash = self._alarm(
            "Thrash",
            "Models are unloaded to make room for others: more memory or fewer models are needed",
            endpoint.metric_model_unloading_time(
                statistic=cloudwatch.Stats.SAMPLE_COUNT, period=every
            ),
            threshold=unloaded_models,
            periods=2,
        )
        self.cache_hit = self._alarm(
            "CacheHit",
            "Too few requests find their model in memory",
            endpoint.metric_model_cache_hit(period=every),
            threshold=cache_hit_ratio,
            periods=3,
            comparison=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
        )
        if topic is not None:
            for alarm in self.alarms:
                alarm.add_alarm_action(actions.SnsAction(topic))
                alarm.add_ok_action(actions.SnsAction(topic))

    @property
    def alarms(self) -> Sequence[cloudwatch.Alarm]:
        """All alarms."""
        return (
            self.server_errors,
            self.model_latency,
            self.loading_wait,
            self.memory,
            self.thrash,
            self.cache_hit,
        )

    def _alarm(
        self,
        construct_id: str,
        description: str,
        metric: cloudwatch.Metric,
        *,
        threshold: float,
        periods: int = 1,
        comparison: cloudwatch.ComparisonOperator = (
            cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
        ),
    ) -> cloudwatch.Alarm:
        return metric.create_alarm(
            self,
            construct_id,
            alarm_name=f"{self._endpoint.metric_dimensions['EndpointName']}-{construct_id}",
            alarm_description=description,
            threshold=threshold,
            evaluation_periods=periods,
            comparison_operator=comparison,
            # An idle endpoint publishes nothing, and that is no fault.
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )


def _microseconds(duration: cdk.Duration) -> float:
    return float(duration.to_milliseconds()) * 1000

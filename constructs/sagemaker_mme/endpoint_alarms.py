"""Alarms for what goes wrong with a multi-model endpoint."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from sagemaker_mme.endpoint_base import EndpointVariant, MultiModelEndpointBase


@dataclass(frozen=True)
class VariantAlarms:
    """The alarms of one variant."""

    server_errors: cloudwatch.Alarm
    model_latency: cloudwatch.Alarm
    loading_wait: cloudwatch.Alarm
    memory: cloudwatch.Alarm
    thrash: cloudwatch.Alarm
    cache_hit: cloudwatch.Alarm

    @property
    def all(self) -> Sequence[cloudwatch.Alarm]:
        """All of them."""
        return (
            self.server_errors,
            self.model_latency,
            self.loading_wait,
            self.memory,
            self.thrash,
            self.cache_hit,
        )


class EndpointAlarms(Construct):
    """Errors, slowness and a cache that is too small, each with a threshold that can be changed.

    Each variant of the endpoint has its own six.

    Parameters
    ----------
    endpoint
        The endpoint.
    topic
        Where alarms are sent, and their ends. Default: nowhere.
    composite
        Send one message when the first of the alarms goes off, and one when the last is over,
        instead of one for each. Default: False.
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
        composite: bool = False,
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
        self.of_variant: dict[str, VariantAlarms] = {}
        for variant in endpoint.variants:
            alarm = partial(
                _alarm, self, variant, f"{variant.variant_name}-" * (len(endpoint.variants) > 1)
            )
            self.of_variant[variant.variant_name] = VariantAlarms(
                server_errors=alarm(
                    "ServerErrors",
                    "The endpoint answers requests with 5xx",
                    variant.metric_invocation_5xx_errors(period=every),
                    threshold=server_errors,
                ),
                model_latency=alarm(
                    "ModelLatency",
                    "One request in a hundred takes too long in the containers",
                    variant.metric_model_latency(
                        statistic=cloudwatch.Stats.percentile(99), period=every
                    ),
                    threshold=_microseconds(model_latency or cdk.Duration.seconds(1)),
                    periods=3,
                ),
                loading_wait=alarm(
                    "LoadingWait",
                    "Requests wait too long for models that are not in memory",
                    variant.metric_model_loading_wait_time(period=every),
                    threshold=_microseconds(loading_wait or cdk.Duration.seconds(5)),
                    periods=3,
                ),
                memory=alarm(
                    "Memory",
                    "The containers take more memory than models should",
                    variant.metric_memory_utilization(period=every),
                    threshold=memory_percent,
                    periods=3,
                ),
                thrash=alarm(
                    "Thrash",
                    "Models are unloaded to make room for others: more memory or fewer models are"
                    " needed",
                    variant.metric_model_unloading_time(
                        statistic=cloudwatch.Stats.SAMPLE_COUNT, period=every
                    ),
                    threshold=unloaded_models,
                    periods=2,
                ),
                cache_hit=alarm(
                    "CacheHit",
                    "Too few requests find their model in memory",
                    variant.metric_model_cache_hit(period=every),
                    threshold=cache_hit_ratio,
                    periods=3,
                    comparison=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
                ),
            )
        self.composite = self._composite(endpoint) if composite else None
        told: Sequence[cloudwatch.AlarmBase] = [self.composite] if self.composite else self.alarms
        if topic is not None:
            for each in told:
                each.add_alarm_action(actions.SnsAction(topic))
                each.add_ok_action(actions.SnsAction(topic))

    @property
    def alarms(self) -> Sequence[cloudwatch.Alarm]:
        """The alarms of all variants."""
        return [alarm for alarms in self.of_variant.values() for alarm in alarms.all]

    def _composite(self, endpoint: MultiModelEndpointBase) -> cloudwatch.CompositeAlarm:
        return cloudwatch.CompositeAlarm(
            self,
            "Composite",
            composite_alarm_name=f"{endpoint.variants[0].endpoint_name}-Composite",
            alarm_description="Something is wrong with the endpoint; its alarms say what",
            alarm_rule=cloudwatch.AlarmRule.any_of(
                *(
                    cloudwatch.AlarmRule.from_alarm(alarm, cloudwatch.AlarmState.ALARM)
                    for alarm in self.alarms
                )
            ),
        )


def _alarm(
    scope: Construct,
    variant: EndpointVariant,
    prefix: str,
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
        scope,
        f"{prefix}{construct_id}",
        alarm_name=f"{variant.endpoint_name}-{prefix}{construct_id}",
        alarm_description=description,
        threshold=threshold,
        evaluation_periods=periods,
        comparison_operator=comparison,
        # An idle endpoint publishes nothing, and that is no fault.
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )


def _microseconds(duration: cdk.Duration) -> float:
    return float(duration.to_milliseconds()) * 1000

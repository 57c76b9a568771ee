"""How the number of an endpoint's instances follows the load, or the clock."""

from __future__ import annotations

from collections.abc import Iterator

import aws_cdk as cdk
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from constructs import Construct

from sagemaker_mme.instance_type import InstanceType
from sagemaker_mme.problems import is_token, raise_problems


class ScalableInstanceCount(autoscaling.ScalableTarget):
    """The instance count of one variant, between two bounds.

    What ``ScalableTarget`` can is here too: ``scale_on_schedule``, ``scale_on_metric`` in steps.
    https://docs.aws.amazon.com/sagemaker/latest/dg/multi-model-endpoints-autoscaling.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint_name: str,
        variant_name: str,
        min_capacity: int,
        max_capacity: int,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            service_namespace=autoscaling.ServiceNamespace.SAGEMAKER,
            resource_id=f"endpoint/{endpoint_name}/variant/{variant_name}",
            scalable_dimension="sagemaker:variant:DesiredInstanceCount",
            min_capacity=min_capacity,
            max_capacity=max_capacity,
            role=_service_linked_role(scope),
        )

    def scale_on_invocations(
        self,
        construct_id: str = "InvocationsPerInstance",
        *,
        invocations_per_instance: float | None = None,
        max_requests_per_second: float | None = None,
        safety_factor: float = 0.5,
        scale_in_cooldown: cdk.Duration | None = None,
        scale_out_cooldown: cdk.Duration | None = None,
    ) -> None:
        """Follow SageMakerVariantInvocationsPerInstance, over all models together.

        Parameters
        ----------
        invocations_per_instance
            The number a minute to aim for. Default: from ``max_requests_per_second``.
        max_requests_per_second
            What one instance was seen to stand; the number to aim for is this, times 60, times
            ``safety_factor``.
        safety_factor
            Above 0, up to 1. Default: 0.5, as AWS recommends for a first guess.
        scale_in_cooldown
            Pause after instances were removed. Default: 5 minutes.
        scale_out_cooldown
            Pause after instances were added. Default: 5 minutes.
        """
        raise_problems(
            self,
            _target_problems(invocations_per_instance, max_requests_per_second, safety_factor),
        )
        target = invocations_per_instance
        if target is None:
            target = (max_requests_per_second or 0) * 60 * safety_factor
        self.scale_to_track_metric(
            construct_id,
            predefined_metric=(
                autoscaling.PredefinedMetric.SAGEMAKER_VARIANT_INVOCATIONS_PER_INSTANCE
            ),
            target_value=target,
            scale_in_cooldown=scale_in_cooldown or cdk.Duration.minutes(5),
            scale_out_cooldown=scale_out_cooldown or cdk.Duration.minutes(5),
        )

    def scale_to_track(
        self,
        construct_id: str,
        metric: cloudwatch.IMetric,
        *,
        target_value: float,
        scale_in_cooldown: cdk.Duration | None = None,
        scale_out_cooldown: cdk.Duration | None = None,
    ) -> None:
        """Keep a metric near a value, one of the endpoint's own for instance.

        More instances must bring it down: memory in use, CPU, the time requests wait for models.

        Parameters
        ----------
        metric
            Such as ``endpoint.metric_memory_utilization()``.
        target_value
            In the metric's own unit.
        scale_in_cooldown
            Default: 5 minutes.
        scale_out_cooldown
            Default: 5 minutes.
        """
        self.scale_to_track_metric(
            construct_id,
            custom_metric=metric,
            target_value=target_value,
            scale_in_cooldown=scale_in_cooldown or cdk.Duration.minutes(5),
            scale_out_cooldown=scale_out_cooldown or cdk.Duration.minutes(5),
        )


def capacity_problems(instance_type: InstanceType, low: int, high: int) -> Iterator[str]:
    """Why an endpoint on such instances does not scale between the bounds."""
    if instance_type.burstable:
        yield f"instance_type '{instance_type}' is burstable; SageMaker does not scale those"
    if not is_token(low) and low < 1:
        yield f"min_capacity is {low}; a multi-model endpoint keeps at least 1 instance"
    if not (is_token(low) or is_token(high)) and high < low:
        yield f"max_capacity {high} is below min_capacity {low}"


def _target_problems(
    invocations: float | None, requests: float | None, factor: float
) -> Iterator[str]:
    if (invocations is None) == (requests is None):
        yield "give invocations_per_instance or max_requests_per_second, and not both"
    for prop, value in (
        ("invocations_per_instance", invocations),
        ("max_requests_per_second", requests),
    ):
        if value is not None and not is_token(value) and value <= 0:
            yield f"{prop} is {value}; it must be above 0"
    if not is_token(factor) and not 0 < factor <= 1:
        yield f"safety_factor is {factor}; allowed: above 0, up to 1"


def _service_linked_role(scope: Construct) -> iam.IRole:
    """The role that Application Auto Scaling makes for itself."""
    made = scope.node.try_find_child("ScalingRole")
    if made is not None:
        return made  # type: ignore[return-value]  # what the next line made
    return iam.Role.from_role_arn(
        scope,
        "ScalingRole",
        cdk.Stack.of(scope).format_arn(
            service="iam",
            region="",
            resource="role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com",
            resource_name="AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
        ),
    )

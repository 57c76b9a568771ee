"""The endpoint: what it runs on, who may call it, how it scales and what it measures."""

import re
from collections.abc import Iterator, Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from sagemaker_mme.endpoint_base import (
    DEFAULT_CONTAINER_NAMES,
    DEFAULT_VARIANT,
    ImportedEndpoint,
    MultiModelEndpointBase,
)
from sagemaker_mme.instance_type import InstanceType
from sagemaker_mme.model import ModelBase
from sagemaker_mme.problems import count_problem, is_token, raise_problems, seconds_problem
from sagemaker_mme.service_roles import SageMakerRole

MAX_ALARMS = 10
MAX_INSTANCES = 1000
DEFAULT_INSTANCE_TYPE = InstanceType("ml.m5.xlarge")
_NAME = re.compile(r"[a-z0-9](-*[a-z0-9]){0,62}")
_TIMEOUT_SECONDS = (60, 3600)


class MultiModelEndpoint(MultiModelEndpointBase):
    """A real-time endpoint in front of a ``Model``.

    Parameters
    ----------
    model
        The containers that the endpoint runs.
    instance_type
        What they run on. Default: ``ml.m5.xlarge``.
    initial_instance_count
        How many at first; with ``auto_scale``, only until the first scaling. Default: 1.
    endpoint_name
        Lower case, up to 63 letters, digits and hyphens. Default: made from the construct's
        path, and known at synth so that metrics and logs can be named.
    variant_name
        The name of the one production variant. Default: ``AllTraffic``.
    encryption_key
        Encrypts the instances' storage volumes. Default: SageMaker's own key.
    container_startup_health_check_timeout
        How long containers may take until they pass the health check, 60 to 3600 s. Default:
        SageMaker's.
    model_data_download_timeout
        How long the download of the ordinary containers' artifacts may take, 60 to 3600 s.
        Default: SageMaker's.
    rollback_alarms
        Up to 10; an update is taken back when one of them goes off. More can be added with
        ``add_rollback_alarm``. Default: none.
    log_retention
        How long the containers' logs are kept. Default: one month.
    log_removal_policy
        What becomes of the log group. Default: it stays, except when the deployment that made
        it fails (RETAIN_ON_UPDATE_OR_DELETE).
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        model: ModelBase,
        instance_type: InstanceType = DEFAULT_INSTANCE_TYPE,
        initial_instance_count: int = 1,
        endpoint_name: str | None = None,
        variant_name: str = DEFAULT_VARIANT,
        encryption_key: kms.IKey | None = None,
        container_startup_health_check_timeout: cdk.Duration | None = None,
        model_data_download_timeout: cdk.Duration | None = None,
        rollback_alarms: Sequence[cloudwatch.IAlarm] = (),
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
        log_removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    ) -> None:
        super().__init__(scope, construct_id, physical_name=endpoint_name)
        name = endpoint_name or _generated_name(self)
        raise_problems(
            self,
            [
                *_name_problems(name),
                *instance_type.problems(),
                *count_problem("initial_instance_count", initial_instance_count, 1, MAX_INSTANCES),
                *count_problem("number of rollback_alarms", len(rollback_alarms), 0, MAX_ALARMS),
                *_encryption_key_problems(instance_type, encryption_key),
                *seconds_problem(
                    "container_startup_health_check_timeout",
                    container_startup_health_check_timeout,
                    *_TIMEOUT_SECONDS,
                ),
                *seconds_problem(
                    "model_data_download_timeout", model_data_download_timeout, *_TIMEOUT_SECONDS
                ),
            ],
        )
        self.variant_name = variant_name
        self.container_names = model.container_names
        self._name = name
        self._instance_type = instance_type
        self._model_role = model.role
        self._rollback_alarms: list[cloudwatch.IAlarm] = []
        if encryption_key is not None and isinstance(model.role, SageMakerRole):
            model.role.allow_encryption_key(encryption_key)

        # SageMaker would make the log group itself, and keep its contents for ever.
        self.log_group = logs.LogGroup(
            self,
            "LogGroup",
            log_group_name=f"/aws/sagemaker/Endpoints/{name}",
            retention=log_retention,
            removal_policy=log_removal_policy,
        )
        # No name: a replaced config with the same name would collide, or go unnoticed.
        config = sagemaker.CfnEndpointConfig(
            self,
            "Config",
            kms_key_id=encryption_key.key_arn if encryption_key else None,
            production_variants=[
                sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                    variant_name=variant_name,
                    model_name=model.model_name,
                    instance_type=instance_type.name,
                    initial_instance_count=initial_instance_count,
                    initial_variant_weight=1,
                    container_startup_health_check_timeout_in_seconds=_seconds(
                        container_startup_health_check_timeout
                    ),
                    model_data_download_timeout_in_seconds=_seconds(model_data_download_timeout),
                )
            ],
        )
        self._resource = sagemaker.CfnEndpoint(
            self,
            "Resource",
            endpoint_name=name,
            endpoint_config_name=config.attr_endpoint_config_name,
        )
        self._resource.node.add_dependency(self.log_group, model)
        for alarm in rollback_alarms:
            self.add_rollback_alarm(alarm)

    @staticmethod
    def from_endpoint_name(
        scope: Construct, construct_id: str, endpoint_name: str
    ) -> MultiModelEndpointBase:
        """An endpoint of this account and region, wherever it was made."""
        return MultiModelEndpoint.from_endpoint_attributes(
            scope, construct_id, endpoint_name=endpoint_name
        )

    @staticmethod
    def from_endpoint_arn(
        scope: Construct, construct_id: str, endpoint_arn: str
    ) -> MultiModelEndpointBase:
        """An endpoint by its ARN, of another account or region too."""
        return ImportedEndpoint(scope, construct_id, endpoint_arn=endpoint_arn)

    @staticmethod
    def from_endpoint_attributes(
        scope: Construct,
        construct_id: str,
        *,
        endpoint_name: str,
        variant_name: str = DEFAULT_VARIANT,
        container_names: Sequence[str] = DEFAULT_CONTAINER_NAMES,
    ) -> MultiModelEndpointBase:
        """An endpoint of this account and region whose variant and containers have names."""
        arn = cdk.Stack.of(scope).format_arn(
            service="sagemaker",
            resource="endpoint",
            # SageMaker writes the name in lower case in ARNs, whatever case it was made with.
            resource_name=endpoint_name if is_token(endpoint_name) else endpoint_name.lower(),
        )
        return ImportedEndpoint(
            scope,
            construct_id,
            endpoint_arn=arn,
            endpoint_name=endpoint_name,
            variant_name=variant_name,
            container_names=container_names,
        )

    @property
    def endpoint_arn(self) -> str:
        return self._get_resource_arn_attribute(
            self._resource.ref, service="sagemaker", resource="endpoint", resource_name=self._name
        )

    @property
    def endpoint_name(self) -> str:
        return self._get_resource_name_attribute(self._resource.attr_endpoint_name)

    @property
    def metric_dimensions(self) -> Mapping[str, str]:
        # The name as text: an alarm that can take an update of the endpoint back must not wait for
        # the endpoint itself.
        return {"EndpointName": self._name, "VariantName": self.variant_name}

    def add_rollback_alarm(self, alarm: cloudwatch.IAlarm) -> None:
        """Take an update of the endpoint back when ``alarm`` goes off while it is under way.

        SageMaker watches it as the model's role, which is allowed to:
        https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html
        """
        self._rollback_alarms.append(alarm)
        number = len(self._rollback_alarms)
        raise_problems(self, count_problem("number of rollback_alarms", number, 0, MAX_ALARMS))
        if self._model_role is not None:
            iam.Grant.add_to_principal(
                grantee=self._model_role,
                actions=["cloudwatch:DescribeAlarms"],
                resource_arns=[alarm.alarm_arn],
            )
        self._resource.deployment_config = _deployment_config(self._rollback_alarms)

    def auto_scale(
        self,
        *,
        min_capacity: int = 1,
        max_capacity: int,
        invocations_per_instance: float,
        scale_in_cooldown: cdk.Duration | None = None,
        scale_out_cooldown: cdk.Duration | None = None,
    ) -> autoscaling.ScalableTarget:
        """Follow the load between two instance counts.

        The metric is SageMakerVariantInvocationsPerInstance, over all models together, as
        https://docs.aws.amazon.com/sagemaker/latest/dg/multi-model-endpoints-autoscaling.html
        recommends. Later updates of the endpoint keep the scaled instance count.

        Parameters
        ----------
        min_capacity
            At least this many instances. Default: 1.
        max_capacity
            At most this many.
        invocations_per_instance
            The number a minute to aim for.
        scale_in_cooldown
            Pause after instances were removed. Default: 5 minutes.
        scale_out_cooldown
            Pause after instances were added. Default: 5 minutes.
        """
        raise_problems(
            self,
            _scaling_problems(
                self._instance_type, min_capacity, max_capacity, invocations_per_instance
            ),
        )
        target = autoscaling.ScalableTarget(
            self,
            "ScalableTarget",
            service_namespace=autoscaling.ServiceNamespace.SAGEMAKER,
            resource_id=f"endpoint/{self._name}/variant/{self.variant_name}",
            scalable_dimension="sagemaker:variant:DesiredInstanceCount",
            min_capacity=min_capacity,
            max_capacity=max_capacity,
            role=_scaling_role(self),
        )
        target.node.add_dependency(self._resource)
        target.scale_to_track_metric(
            "InvocationsPerInstance",
            predefined_metric=(
                autoscaling.PredefinedMetric.SAGEMAKER_VARIANT_INVOCATIONS_PER_INSTANCE
            ),
            target_value=invocations_per_instance,
            scale_in_cooldown=scale_in_cooldown or cdk.Duration.minutes(5),
            scale_out_cooldown=scale_out_cooldown or cdk.Duration.minutes(5),
        )
        self._resource.retain_all_variant_properties = True
        return target


def _generated_name(scope: Construct) -> str:
    return cdk.Names.unique_resource_name(scope, max_length=63, separator="-").lower()


def _seconds(duration: cdk.Duration | None) -> int | None:
    return None if duration is None else int(duration.to_seconds())


def _name_problems(name: str) -> Iterator[str]:
    if not is_token(name) and not _NAME.fullmatch(name):
        yield (
            f"endpoint_name '{name}' is not up to 63 lower-case letters, digits and inner hyphens;"
            " ARNs have endpoint names in lower case, so other names make policies that never match"
        )


def _encryption_key_problems(instance_type: InstanceType, key: kms.IKey | None) -> Iterator[str]:
    if key is not None and instance_type.has_instance_storage:
        yield (
            f"encryption_key cannot be used with '{instance_type}': its NVMe storage is encrypted"
            " by the instance itself"
        )


def _scaling_problems(
    instance_type: InstanceType, low: int, high: int, target: float
) -> Iterator[str]:
    if instance_type.burstable:
        yield f"instance_type '{instance_type}' is burstable; SageMaker does not scale those"
    if not is_token(low) and low < 1:
        yield f"min_capacity is {low}; a multi-model endpoint keeps at least 1 instance"
    if not (is_token(low) or is_token(high)) and high < low:
        yield f"max_capacity {high} is below min_capacity {low}"
    if not is_token(target) and target <= 0:
        yield f"invocations_per_instance is {target}; it must be above 0"


def _deployment_config(
    alarms: Sequence[cloudwatch.IAlarm],
) -> sagemaker.CfnEndpoint.DeploymentConfigProperty:
    """All traffic at once: AWS's pages differ on whether canaries work with many models."""
    return sagemaker.CfnEndpoint.DeploymentConfigProperty(
        auto_rollback_configuration=sagemaker.CfnEndpoint.AutoRollbackConfigProperty(
            alarms=[
                sagemaker.CfnEndpoint.AlarmProperty(alarm_name=alarm.alarm_name) for alarm in alarms
            ]
        ),
        blue_green_update_policy=sagemaker.CfnEndpoint.BlueGreenUpdatePolicyProperty(
            traffic_routing_configuration=sagemaker.CfnEndpoint.TrafficRoutingConfigProperty(
                type="ALL_AT_ONCE", wait_interval_in_seconds=300
            ),
            termination_wait_in_seconds=300,
        ),
    )


def _scaling_role(scope: Construct) -> iam.IRole:
    """The service-linked role that Application Auto Scaling makes for itself."""
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

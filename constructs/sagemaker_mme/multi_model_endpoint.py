"""The endpoint: what it runs on, who may call it, how it scales and what it measures."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from sagemaker_mme.data_capture import DataCapture
from sagemaker_mme.deployment_policy import DeploymentPolicy
from sagemaker_mme.endpoint_base import (
    DEFAULT_CONTAINER_NAMES,
    EndpointVariant,
    ImportedEndpoint,
    MultiModelEndpointBase,
    endpoint_logs,
    generated_name,
)
from sagemaker_mme.endpoint_problems import (
    deployment_problems,
    name_problems,
    shadow_problems,
    shape_problems,
)
from sagemaker_mme.instance_scaling import ScalableInstanceCount, capacity_problems
from sagemaker_mme.instance_type import InstanceType
from sagemaker_mme.model import ModelBase
from sagemaker_mme.problems import InvalidPropsError, count_problem, is_token, raise_problems
from sagemaker_mme.production_variant import (
    DEFAULT_VARIANT,
    ProductionVariant,
    variant_problems,
)
from sagemaker_mme.service_roles import SageMakerRole

MAX_ALARMS = 10


class MultiModelEndpoint(MultiModelEndpointBase):
    """A real-time endpoint in front of a ``Model``, or of several.

    Parameters
    ----------
    model
        The containers of the one production variant.
    instance_type, initial_instance_count, variant_name
        Of the one variant, as in ``ProductionVariant``, which has more.
    container_startup_health_check_timeout, model_data_download_timeout
        Likewise.
    production_variants
        1 to 10 variants, instead of ``model`` and the props of the one variant. Each gets its
        share of the requests, by weight.
    endpoint_name
        Lower case, up to 63 letters, digits and hyphens. Default: made from the construct's
        path, and known at synth so that metrics and logs can be named.
    encryption_key
        Encrypts the instances' storage volumes. Default: SageMaker's own key.
    data_capture
        Write requests and responses to S3. Default: nothing is written.
    deployment_policy
        How updates move traffic. Default: all at once; with rollback alarms, watched for
        5 minutes.
    rollback_alarms
        Up to 10; an update is taken back when one of them goes off. More can be added with
        ``add_rollback_alarm``. Default: none.
    log_retention
        How long the containers' logs are kept. Default: one month.
    log_removal_policy
        What becomes of the log group. Default: it stays, except when the deployment that made
        it fails (RETAIN_ON_UPDATE_OR_DELETE).
    shadow_production_variants
        SageMaker refuses them for multi-model endpoints, and so does this construct.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        model: ModelBase | None = None,
        instance_type: InstanceType | None = None,
        initial_instance_count: int | None = None,
        variant_name: str | None = None,
        container_startup_health_check_timeout: cdk.Duration | None = None,
        model_data_download_timeout: cdk.Duration | None = None,
        production_variants: Sequence[ProductionVariant] | None = None,
        endpoint_name: str | None = None,
        encryption_key: kms.IKey | None = None,
        data_capture: DataCapture | None = None,
        deployment_policy: DeploymentPolicy | None = None,
        rollback_alarms: Sequence[cloudwatch.IAlarm] = (),
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
        log_removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        shadow_production_variants: Sequence[ProductionVariant] = (),
    ) -> None:
        super().__init__(scope, construct_id, physical_name=endpoint_name)
        name = endpoint_name or generated_name(self)
        of_one_variant = {
            "model": model,
            "instance_type": instance_type,
            "initial_instance_count": initial_instance_count,
            "variant_name": variant_name,
            "container_startup_health_check_timeout": container_startup_health_check_timeout,
            "model_data_download_timeout": model_data_download_timeout,
        }
        given = {prop: value for prop, value in of_one_variant.items() if value is not None}
        raise_problems(self, shape_problems(given, production_variants))
        variants = (
            [ProductionVariant(**given)]  # type: ignore[arg-type]  # each prop has its own type
            if production_variants is None
            else production_variants
        )
        raise_problems(
            self,
            [
                *name_problems(name),
                *variant_problems(variants, encrypted=encryption_key is not None),
                *(data_capture.problems() if data_capture else ()),
                *count_problem("number of rollback_alarms", len(rollback_alarms), 0, MAX_ALARMS),
                *deployment_problems(deployment_policy, variants),
                *shadow_problems(shadow_production_variants),
            ],
        )
        self._name = name
        self._production_variants = {variant.variant_name: variant for variant in variants}
        # The name as text: an alarm that can take an update of the endpoint back must not wait for
        # the endpoint itself.
        self.variants = tuple(
            EndpointVariant(name, variant.variant_name, variant.model.container_names)
            for variant in variants
        )
        self._roles = {
            role.node.path: role for variant in variants if (role := variant.model.role) is not None
        }
        self._deployment_policy = deployment_policy
        self._rollback_alarms: list[cloudwatch.IAlarm] = []
        for role in self._roles.values():
            if encryption_key is not None and isinstance(role, SageMakerRole):
                role.allow_encryption_key(encryption_key)
            if data_capture is not None:
                data_capture.grant(role)

        self.log_group = endpoint_logs(self, name, log_retention, log_removal_policy)
        # No name: a replaced config with the same name would collide, or go unnoticed.
        config = sagemaker.CfnEndpointConfig(
            self,
            "Config",
            kms_key_id=encryption_key.key_arn if encryption_key else None,
            data_capture_config=data_capture.render() if data_capture else None,
            production_variants=[variant.render() for variant in variants],
        )
        self._resource = sagemaker.CfnEndpoint(
            self,
            "Resource",
            endpoint_name=name,
            endpoint_config_name=config.attr_endpoint_config_name,
            deployment_config=deployment_policy.render([]) if deployment_policy else None,
        )
        models = {variant.model.node.path: variant.model for variant in variants}
        self._resource.node.add_dependency(self.log_group, *models.values())
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

    def add_rollback_alarm(self, alarm: cloudwatch.IAlarm) -> None:
        """Take an update of the endpoint back when ``alarm`` goes off while it is under way.

        SageMaker watches it as the model's role, which is allowed to:
        https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html
        """
        self._rollback_alarms.append(alarm)
        number = len(self._rollback_alarms)
        raise_problems(self, count_problem("number of rollback_alarms", number, 0, MAX_ALARMS))
        for role in self._roles.values():
            iam.Grant.add_to_principal(
                grantee=role,
                actions=["cloudwatch:DescribeAlarms"],
                resource_arns=[alarm.alarm_arn],
            )
        policy = self._deployment_policy or DeploymentPolicy.all_at_once()
        self._resource.deployment_config = policy.render(
            [alarm.alarm_name for alarm in self._rollback_alarms]
        )

    def auto_scale_instance_count(
        self, *, min_capacity: int = 1, max_capacity: int, variant_name: str | None = None
    ) -> ScalableInstanceCount:
        """Let a variant's instance count move between two bounds.

        Say what moves it on what is returned. Later updates of the endpoint keep the count.

        Parameters
        ----------
        min_capacity
            At least this many instances. Default: 1.
        max_capacity
            At most this many.
        variant_name
            Whose. Default: the one variant's.

        Raises
        ------
        InvalidPropsError
        """
        name = variant_name or self.variant_name
        variant = self._production_variants.get(name)
        if variant is None:
            raise InvalidPropsError(f"{self.node.path} has no production variant '{name}'")
        problems = list(capacity_problems(variant.instance_type, min_capacity, max_capacity))
        if variant.managed_instance_scaling is not None:
            problems.append(
                f"variant '{name}' has managed_instance_scaling; two scalers would fight"
            )
        raise_problems(self, problems)
        target = ScalableInstanceCount(
            self,
            "ScalableTarget" if len(self.variants) == 1 else f"{name}ScalableTarget",
            endpoint_name=self._name,
            variant_name=name,
            min_capacity=min_capacity,
            max_capacity=max_capacity,
        )
        target.node.add_dependency(self._resource)
        self._resource.retain_all_variant_properties = True
        return target

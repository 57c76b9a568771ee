"""The hosting stack: the inference pipeline and the endpoint in front of it."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from fleet import names
from fleet.config import DeploymentConfig
from sagemaker_mme import (
    Container,
    ContainerImage,
    InstanceType,
    Model,
    ModelCacheSetting,
    ModelData,
    ModelStore,
    MultiModelContainer,
    MultiModelEndpoint,
    Prefix,
)
from stacks.acknowledgements import (
    NO_RESOURCES,
    ONE_PREFIX,
    OWN_LOGS,
    acknowledge_wildcards,
    arn_from_other_stack,
    log_group_wildcard,
)
from stacks.stage import StageStack


class HostingStack(StageStack):
    """Preprocessor and Linear Learner behind one multi-model endpoint.

    The preprocessor's address is read from SSM when the stack is deployed, so that deploying again
    rolls a new preprocessor out. New models need no deployment.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        stage: str,
        config: DeploymentConfig,
        model_store: ModelStore,
    ) -> None:
        super().__init__(
            scope,
            "hosting",
            stage=stage,
            config=config,
            description="Multi-model endpoint behind a preprocessor",
        )
        preprocessor_url = ssm.StringParameter.value_for_string_parameter(
            self, names.preprocessor_url_parameter(stage)
        )
        model = Model(
            self,
            "Model",
            containers=[
                Container.scikit_learn(
                    script="sklearn_preprocessor.py",
                    model_data=ModelData.from_url(
                        preprocessor_url, bucket=model_store.bucket, prefix=Prefix.PREPROCESSOR
                    ),
                    name=names.PREPROCESSOR_CONTAINER,
                ),
                MultiModelContainer(
                    image=ContainerImage.linear_learner(),
                    bucket=model_store.bucket,
                    prefix=Prefix.MODELS,
                    model_cache_setting=ModelCacheSetting(config.model_cache),
                    name=names.LINEAR_LEARNER_CONTAINER,
                ),
            ],
            network_isolation=config.network_isolation,
        )
        store_arn = arn_from_other_stack(self, model_store.bucket)
        acknowledge_wildcards(
            model.role,
            {
                "*": NO_RESOURCES,
                log_group_wildcard(self, "/aws/sagemaker/Endpoints/"): OWN_LOGS,
                f"{store_arn}/{Prefix.PREPROCESSOR}*": ONE_PREFIX,
                f"{store_arn}/{Prefix.MODELS}*": ONE_PREFIX,
            },
        )
        instance_type = InstanceType(config.instance_type)
        self.endpoint = MultiModelEndpoint(
            self,
            "Endpoint",
            model=model,
            endpoint_name=names.endpoint_name(stage),
            instance_type=instance_type,
            initial_instance_count=config.instance_count,
            encryption_key=None if instance_type.has_instance_storage else model_store.key,
            log_retention=logs.RetentionDays[config.log_retention],
            log_removal_policy=self.removal_policy,
        )
        self.endpoint.add_rollback_alarm(
            # The share of requests: one of thousands takes nothing back, a fleet that fails does.
            self.endpoint.metric_invocation_5xx_errors(
                statistic=cloudwatch.Stats.AVERAGE
            ).create_alarm(
                self,
                "ServerErrorsDuringUpdate",
                alarm_description="An update of the endpoint under way now is taken back",
                threshold=0.05,
                evaluation_periods=1,
                treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            )
        )
        if scaling := config.auto_scaling:
            self.endpoint.auto_scale_instance_count(
                min_capacity=scaling.min_capacity, max_capacity=scaling.max_capacity
            ).scale_on_invocations(invocations_per_instance=scaling.invocations_per_instance)
        cdk.CfnOutput(self, "EndpointName", value=self.endpoint.endpoint_name)
        cdk.CfnOutput(self, "EndpointArn", value=self.endpoint.endpoint_arn)

"""The storage stack: what outlives every endpoint."""

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import custom_resources
from constructs import Construct

from fleet import names
from fleet.config import DeploymentConfig
from sagemaker_mme import ModelStore, Prefix, TrainingRole
from stacks.acknowledgements import (
    NO_RESOURCES,
    ONE_PREFIX,
    OWN_LOGS,
    acknowledge_wildcards,
    log_group_wildcard,
)
from stacks.stage import StageStack


class StorageStack(StageStack):
    """The model store, the registry of what serves, and the role that jobs run as."""

    def __init__(
        self,
        scope: Construct,
        *,
        stage: str,
        config: DeploymentConfig,
    ) -> None:
        super().__init__(
            scope,
            "storage",
            stage=stage,
            config=config,
            description="Model store, registry and training role",
        )
        self.model_store = ModelStore(
            self, "ModelStore", removal_policy=self.removal_policy, event_bridge_enabled=True
        )
        self.registry = dynamodb.Table(
            self,
            "Registry",
            partition_key=_attribute("city", dynamodb.AttributeType.STRING),
            sort_key=_attribute("version", dynamodb.AttributeType.NUMBER),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            # No deletion protection: with it a failed first deployment could not be taken back.
            removal_policy=self.removal_policy,
        )
        self.registry.add_global_secondary_index(
            index_name=names.CITIES_INDEX,
            partition_key=_attribute("shard", dynamodb.AttributeType.NUMBER),
            sort_key=_attribute("city", dynamodb.AttributeType.STRING),
        )
        if self.removal_policy == cdk.RemovalPolicy.DESTROY:
            self._delete_preprocessor_parameter()
        self.training_role = TrainingRole(self, "TrainingRole", model_store=self.model_store)
        acknowledge_wildcards(
            self.training_role,
            {
                "*": NO_RESOURCES,
                **{log_group_wildcard(self, group): OWN_LOGS for group in names.JOB_LOG_GROUPS},
                **{
                    self.model_store.bucket.arn_for_objects(f"{prefix}*"): ONE_PREFIX
                    for prefix in (
                        Prefix.RAW,
                        Prefix.PREPROCESSOR,
                        Prefix.PREPROCESSED,
                        Prefix.JOBS,
                        Prefix.MODELS,
                    )
                },
            },
        )
        cdk.CfnOutput(
            self,
            "BucketName",
            value=self.model_store.bucket.bucket_name,
            description="Data, jobs and models",
        )
        cdk.CfnOutput(
            self,
            "KeyArn",
            value=self.model_store.key.key_arn,
            description="Encrypts the bucket and what jobs write",
        )
        cdk.CfnOutput(
            self,
            "RegistryTableName",
            value=self.registry.table_name,
            description="Which version of each city's model serves",
        )
        cdk.CfnOutput(
            self,
            "TrainingRoleArn",
            value=self.training_role.role_arn,
            description="Training and transform jobs run as this role",
        )

    def _delete_preprocessor_parameter(self) -> None:
        """Take the preprocessor's address along: training writes it, so it is no resource here.

        As a resource its value would be set back by every change of, say, the stack's tags.
        """
        parameter = names.preprocessor_url_parameter(self.stage)
        arn = self.format_arn(
            service="ssm", resource="parameter", resource_name=parameter.removeprefix("/")
        )
        log_group = logs.LogGroup(
            self,
            "PreprocessorParameterLogs",
            retention=logs.RetentionDays.ONE_WEEK,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        role = iam.Role(
            self,
            "PreprocessorParameterRole",
            description="Deletes the parameter with the stack",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        )
        log_group.grant_write(role)
        custom_resources.AwsCustomResource(
            self,
            "PreprocessorParameter",
            on_delete=custom_resources.AwsSdkCall(
                service="SSM",
                action="deleteParameter",
                parameters={"Name": parameter},
                ignore_error_codes_matching="ParameterNotFound",
            ),
            policy=custom_resources.AwsCustomResourcePolicy.from_statements(
                [iam.PolicyStatement(actions=["ssm:DeleteParameter"], resources=[arn])]
            ),
            role=role,
            log_group=log_group,
            install_latest_aws_sdk=False,
        )


def _attribute(name: str, kind: dynamodb.AttributeType) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=kind)

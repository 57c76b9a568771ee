"""The storage stack: what outlives every endpoint."""

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
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


class StorageStack(cdk.Stack):
    """The model store, the registry of what serves, and the role that jobs run as."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: DeploymentConfig,
        env: cdk.Environment | None = None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Model store and training role",
            termination_protection=config.termination_protection,
            env=env,
        )
        self.model_store = ModelStore(
            self, "ModelStore", removal_policy=cdk.RemovalPolicy[config.removal_policy]
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
            removal_policy=cdk.RemovalPolicy[config.removal_policy],
            deletion_protection=config.termination_protection,
        )
        self.registry.add_global_secondary_index(
            index_name=names.CITIES_INDEX,
            partition_key=_attribute("shard", dynamodb.AttributeType.NUMBER),
            sort_key=_attribute("city", dynamodb.AttributeType.STRING),
        )
        self.training_role = TrainingRole(self, "TrainingRole", model_store=self.model_store)
        acknowledge_wildcards(
            self.training_role,
            {
                "*": NO_RESOURCES,
                log_group_wildcard(self, "/aws/sagemaker/TrainingJobs"): OWN_LOGS,
                log_group_wildcard(self, "/aws/sagemaker/TransformJobs"): OWN_LOGS,
                **{
                    self.model_store.bucket.arn_for_objects(f"{prefix}*"): ONE_PREFIX
                    for prefix in (
                        Prefix.RAW,
                        Prefix.PREPROCESSOR,
                        Prefix.PREPROCESSED,
                        Prefix.JOBS,
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


def _attribute(name: str, kind: dynamodb.AttributeType) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=kind)

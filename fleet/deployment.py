"""Finds what the stacks of a stage have deployed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from fleet.errors import HousingError
from fleet.names import (
    ROLE_OUTPUT_SUFFIX,
    STACKS,
    TENANT_ROLE_OUTPUT,
    preprocessor_url_parameter,
    stack_name,
)
from fleet.project import deploy_command

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_cloudformation import CloudFormationClient

# Which stack has the output behind each field, for the messages about what is missing.
_STACK_OF_FIELD = {
    "bucket_name": "storage",
    "training_role_arn": "storage",
    "registry_table_name": "storage",
    "key_arn": "storage",
    "endpoint_name": "hosting",
    "endpoint_arn": "hosting",
    "tenant_role_arn": "access",
    "dashboard_name": "monitoring",
    "client_log_group_name": "monitoring",
}


class DeploymentError(HousingError):
    """Something that is needed is not deployed."""


@dataclass(frozen=True)
class Deployment:
    """The outputs of a stage's stacks; None, or no role, where the stack is not deployed.

    ``role_arns`` maps the name of each restricted role, such as ``NewYork``, to its ARN;
    ``profile`` is the AWS profile it was found with, None for the shell's.
    """

    stage: str
    region: str
    bucket_name: str | None = None
    training_role_arn: str | None = None
    registry_table_name: str | None = None
    key_arn: str | None = None
    endpoint_name: str | None = None
    endpoint_arn: str | None = None
    role_arns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    tenant_role_arn: str | None = None
    dashboard_name: str | None = None
    client_log_group_name: str | None = None
    profile: str | None = None

    @property
    def preprocessor_parameter(self) -> str:
        """Name of the SSM parameter that holds the preprocessor's model data URL."""
        return preprocessor_url_parameter(self.stage)

    def require(self, name: str) -> str:
        """The field of this name.

        Raises
        ------
        DeploymentError
            Where it is None.
        """
        value: str | None = getattr(self, name)
        if value is None:
            stack = _STACK_OF_FIELD[name]
            raise DeploymentError(
                f"stack {stack_name(self.stage, stack)} is not deployed in {self.region}; "
                f"run: {self.deploy_command(stack)}"
            )
        return value

    def deploy_command(self, stack: str) -> str:
        """What a person types to deploy one of the stacks."""
        return deploy_command(self.stage, stack, profile=self.profile)

    def role_arn(self, role: str) -> str:
        """ARN of a restricted role.

        Raises
        ------
        DeploymentError
            With the roles that exist.
        """
        if role not in self.role_arns:
            known = ", ".join(sorted(self.role_arns)) or "none"
            raise DeploymentError(
                f"no role {role!r} in stage {self.stage}; deployed roles: {known}"
            )
        return self.role_arns[role]


def find_deployment(session: "boto3.Session", stage: str, profile: str | None = None) -> Deployment:
    """Read the outputs of the stacks of a stage; stacks may be missing."""
    client = session.client("cloudformation")
    outputs = {stack: _stack_outputs(client, stack_name(stage, stack)) for stack in STACKS}
    roles = {
        key.removesuffix(ROLE_OUTPUT_SUFFIX): arn
        for key, arn in outputs["access"].items()
        if key.endswith(ROLE_OUTPUT_SUFFIX) and key != TENANT_ROLE_OUTPUT
    }
    return Deployment(
        stage=stage,
        region=client.meta.region_name,
        bucket_name=outputs["storage"].get("BucketName"),
        training_role_arn=outputs["storage"].get("TrainingRoleArn"),
        registry_table_name=outputs["storage"].get("RegistryTableName"),
        key_arn=outputs["storage"].get("KeyArn"),
        endpoint_name=outputs["hosting"].get("EndpointName"),
        endpoint_arn=outputs["hosting"].get("EndpointArn"),
        role_arns=MappingProxyType(roles),
        tenant_role_arn=outputs["access"].get(TENANT_ROLE_OUTPUT),
        dashboard_name=outputs["monitoring"].get("DashboardName"),
        client_log_group_name=outputs["monitoring"].get("ClientLogGroupName"),
        profile=profile,
    )


def _stack_outputs(client: "CloudFormationClient", name: str) -> dict[str, str]:
    try:
        stacks = client.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return {}
        raise
    outputs = stacks[0].get("Outputs", []) if stacks else []
    return {output["OutputKey"]: output["OutputValue"] for output in outputs}

"""The registry's table as the storage stack declares it, in a stack of its own."""

import aws_cdk as cdk
from aws_cdk.assertions import Template

from fleet.config import DeploymentConfig
from localaws.testing import LocalAws
from localaws.testing.stacks import Stack
from stacks.storage import StorageStack


def deployed_table(localaws: LocalAws, stack_name: str) -> str:
    """The name of a table with the schema of the storage stack's."""
    config = DeploymentConfig.model_validate({"removalPolicy": "DESTROY"})
    storage = StorageStack(cdk.App(), stage="test", config=config)
    tables = dict(Template.from_stack(storage).find_resources("AWS::DynamoDB::Table"))
    stack = Stack(localaws, stack_name)
    (logical_id,) = tables
    outputs = {"RegistryTableName": {"Value": {"Ref": logical_id}}}
    assert stack.deploy(tables, Outputs=outputs) == "CREATE_COMPLETE"
    return stack.physical_id(logical_id)

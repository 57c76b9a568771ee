"""What the stacks of a stage have in common."""

import aws_cdk as cdk
from constructs import Construct

from fleet import names
from fleet.config import DeploymentConfig

REMOVAL_POLICIES = {
    "DESTROY": cdk.RemovalPolicy.DESTROY,
    # What the first deployment made goes if it fails, so that it can be repeated.
    "RETAIN": cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
}


class StageStack(cdk.Stack):
    """One stack of a stage, named, placed and protected as the config says."""

    def __init__(
        self,
        scope: Construct,
        part: str,
        *,
        stage: str,
        config: DeploymentConfig,
        description: str,
    ) -> None:
        super().__init__(
            scope,
            names.stack_name(stage, part),
            description=description,
            termination_protection=config.termination_protection,
            env=cdk.Environment(account=config.account, region=config.region),
        )
        self.stage = stage
        self.config = config
        self.removal_policy = REMOVAL_POLICIES[config.removal_policy]

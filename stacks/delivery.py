"""The delivery stack: what GitHub Actions may do to deploy a stage, and nothing else."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from fleet import names
from fleet.config import DeploymentConfig, GitHub
from sagemaker_mme import ModelStore, Prefix
from stacks.acknowledgements import (
    ONE_PREFIX,
    acknowledge_wildcards,
    arn_from_other_stack,
)
from stacks.stage import StageStack

PROVIDER = "token.actions.githubusercontent.com"
QUALIFIER = "hnb659fds"
OWN_STACKS = "Outputs of this project's own stacks, by the names that they always have"


class DeliveryStack(StageStack):
    """One role, which a workflow assumes with GitHub's identity token, without any secret.

    It may assume the roles of ``cdk bootstrap``, which deploy, read the outputs of the stage's
    stacks, and bring models and preprocessor over. A job gets it only in the GitHub environment of
    the stage's name, whose reviewers thereby approve.
    https://docs.github.com/actions/security-for-github-actions/security-hardening-your-deployments
    """

    def __init__(
        self,
        scope: Construct,
        *,
        stage: str,
        config: DeploymentConfig,
        github: GitHub,
        model_store: ModelStore,
        registry: dynamodb.ITable,
    ) -> None:
        super().__init__(
            scope,
            "delivery",
            stage=stage,
            config=config,
            description="The role that GitHub Actions deploys as",
        )
        role = self._role(
            "DeployRole",
            f"GitHub Actions of {github.repository} deploy stage {stage}",
            [f"repo:{github.repository}:environment:{each}" for each in github.environments],
            ["deploy", "file-publishing", "lookup"],
        )
        # A pull request shows what it would change, and can change nothing.
        diff_role = self._role(
            "DiffRole",
            f"Pull requests of {github.repository} compare themselves with stage {stage}",
            [f"repo:{github.repository}:pull_request"],
            ["lookup"],
        )
        if github.promoted_by:
            promotion_role = self._role(
                "PromotionRole",
                f"GitHub Actions of {github.repository} read what serves in stage {stage}",
                [f"repo:{github.repository}:environment:{each}" for each in github.promoted_by],
            )
            self._let_read(promotion_role, model_store, registry)
            cdk.CfnOutput(self, "PromotionRoleArn", value=promotion_role.role_arn)
        self._let_read(role, model_store, registry)
        prefixes = (Prefix.MODELS, Prefix.PREPROCESSOR, Prefix.JOBS)
        model_store.grants.write(role, *prefixes)
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["ssm:PutParameter"], resources=[self._preprocessor_parameter]
            )
        )
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["dynamodb:ConditionCheckItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
                resources=[registry.table_arn],
            )
        )
        cdk.CfnOutput(self, "DeployRoleArn", value=role.role_arn)
        cdk.CfnOutput(self, "DiffRoleArn", value=diff_role.role_arn)

    @property
    def _preprocessor_parameter(self) -> str:
        name = names.preprocessor_url_parameter(self.stage).removeprefix("/")
        return self.format_arn(service="ssm", resource="parameter", resource_name=name)

    def _let_read(self, role: iam.Role, model_store: ModelStore, registry: dynamodb.ITable) -> None:
        """Let a role read what serves in the stage, and where that is."""
        stacks = self.format_arn(
            service="cloudformation",
            resource="stack",
            resource_name=f"{names.PROJECT}-{self.stage}-*",
        )
        for actions, resources in (
            (["cloudformation:DescribeStacks"], [stacks]),
            (["ssm:GetParameter"], [self._preprocessor_parameter]),
            (
                ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"],
                [registry.table_arn, f"{registry.table_arn}/index/{names.CITIES_INDEX}"],
            ),
        ):
            role.add_to_policy(iam.PolicyStatement(actions=actions, resources=resources))
        prefixes = (Prefix.MODELS, Prefix.PREPROCESSOR, Prefix.JOBS)
        model_store.grants.read(role, *prefixes)
        store_arn = arn_from_other_stack(self, model_store.bucket)
        acknowledge_wildcards(
            role,
            {stacks: OWN_STACKS, **{f"{store_arn}/{prefix}*": ONE_PREFIX for prefix in prefixes}},
        )

    def _role(
        self,
        name: str,
        description: str,
        subjects: Sequence[str],
        bootstrap_roles: Sequence[str] = (),
    ) -> iam.Role:
        """A role that GitHub's identity tokens of these subjects may assume."""
        role = iam.Role(
            self,
            name,
            description=description,
            assumed_by=iam.WebIdentityPrincipal(
                self.format_arn(
                    service="iam", region="", resource="oidc-provider", resource_name=PROVIDER
                ),
                conditions={
                    "StringEquals": {
                        f"{PROVIDER}:aud": "sts.amazonaws.com",
                        f"{PROVIDER}:sub": list(subjects),
                    }
                },
            ),
        )
        resources = [
            self.format_arn(
                service="iam",
                region="",
                resource="role",
                resource_name=f"cdk-{QUALIFIER}-{each}-role-{self.account}-{self.region}",
            )
            for each in bootstrap_roles
        ]
        if resources:
            role.add_to_policy(iam.PolicyStatement(actions=["sts:AssumeRole"], resources=resources))
        return role

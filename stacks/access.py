"""The access stack: who may invoke which models."""

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from fleet import names
from fleet.config import Assumer, DeploymentConfig, InvokerRole
from sagemaker_mme import (
    InvocationTrail,
    MultiModelEndpoint,
    TargetModelInvokerRole,
    TenantInvokerRole,
)
from stacks.stage import StageStack


class AccessStack(StageStack):
    """One role for each entry of the config, one for all tenants, and a record of who invoked.

    Each role may also read which version of its own models serves. The endpoint is known by its
    name, so that who may do what can be read, checked and deployed without it.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        stage: str,
        config: DeploymentConfig,
        registry: dynamodb.ITable,
    ) -> None:
        super().__init__(
            scope,
            "access",
            stage=stage,
            config=config,
            description="Roles that may invoke the models of one city",
        )
        endpoint = MultiModelEndpoint.from_endpoint_name(
            self, "Endpoint", names.endpoint_name(stage)
        )
        self.roles: dict[str, TargetModelInvokerRole] = {
            name: TargetModelInvokerRole(
                self,
                f"{name}Role",
                endpoint=endpoint,
                target_models=role.target_models,
                allow_wide=role.allow_wide,
                assumed_by=_principal(self, role),
                external_id=role.external_id,
                max_session_duration=cdk.Duration.hours(role.max_session_hours),
            )
            for name, role in config.restricted_roles.items()
        }
        self.tenant_role = TenantInvokerRole(
            self,
            "TenantRole",
            endpoint=endpoint,
            assumed_by=_principal(self, config.tenant_role),
            external_id=config.tenant_role.external_id,
            max_session_duration=cdk.Duration.hours(config.tenant_role.max_session_hours),
        )
        for invoker in (*self.roles.values(), self.tenant_role):
            invoker.allow_own_items(registry)
        if config.audit_trail:
            trail = InvocationTrail(
                self,
                "Trail",
                endpoint=endpoint,
                removal_policy=self.removal_policy,
            )
            cdk.Validations.of(trail.bucket).acknowledge(
                cdk.Acknowledgment(
                    id="AwsSolutions::AwsSolutions-S1",
                    reason="The bucket holds nothing but CloudTrail's records, validated by digest",
                )
            )
        for name, role in self.roles.items():
            models = ", ".join(config.restricted_roles[name].target_models)
            cdk.CfnOutput(
                self, f"{name}RoleArn", value=role.role_arn, description=f"Invokes {models}"
            )
        cdk.CfnOutput(
            self,
            "TenantRoleArn",
            value=self.tenant_role.role_arn,
            description="Invokes the models of the session tag City",
        )


def _principal(stack: cdk.Stack, role: InvokerRole) -> iam.PrincipalBase | None:
    principals = [_assumer_principal(stack, assumer) for assumer in role.assumed_by]
    if not principals:
        return None
    return iam.CompositePrincipal(*principals) if len(principals) > 1 else principals[0]


def _assumer_principal(stack: cdk.Stack, assumer: Assumer) -> iam.PrincipalBase:
    if assumer.account:
        return iam.AccountPrincipal(assumer.account)
    if assumer.role:
        return iam.ArnPrincipal(assumer.role)
    if assumer.service:
        return iam.ServicePrincipal(assumer.service)
    provider = assumer.oidc_provider
    return iam.WebIdentityPrincipal(
        stack.format_arn(
            service="iam", region="", resource="oidc-provider", resource_name=provider
        ),
        conditions={
            "StringEquals": {f"{provider}:aud": assumer.audience},
            "StringLike": {f"{provider}:sub": assumer.subject},
        },
    )

"""A function that invokes the models of the tenant that a token names."""

from __future__ import annotations

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from sagemaker_mme.endpoint_base import MultiModelEndpointBase
from sagemaker_mme.target_model_invoker_role import TenantInvokerRole

FUNCTION = Path(__file__).with_name("broker_function")


class TenantBroker(Construct):
    """A Lambda function that answers API Gateway, and the role of its tenants.

    The function may do one thing: assume the tenants' role, passing the tenant as a session tag.
    That role, not the function's code, decides which target models a request may name.

    Parameters
    ----------
    endpoint
        The endpoint.
    tenant_claim
        The claim of the token, or the key of the authorizer's context, that names the tenant: up
        to 64 letters, digits and ``_.-``. Default: ``custom:tenant``.
    tag_key
        The session tag of ``TenantInvokerRole``. Default: ``City``.
    memory_size
        Of the function, in MiB. Default: 256.
    log_retention
        How long its logs, which hold no bodies, are kept. Default: one month.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: MultiModelEndpointBase,
        tenant_claim: str = "custom:tenant",
        tag_key: str = "City",
        memory_size: int = 256,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
    ) -> None:
        super().__init__(scope, construct_id)
        role = iam.Role(
            self,
            "Role",
            description="Assumes the role of a tenant, and nothing else",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        )
        log_group = logs.LogGroup(
            self, "Logs", retention=log_retention, removal_policy=cdk.RemovalPolicy.DESTROY
        )
        log_group.grant_write(role)
        self.tenant_role = TenantInvokerRole(
            self,
            "TenantRole",
            endpoint=endpoint,
            tag_key=tag_key,
            assumed_by=iam.ArnPrincipal(role.role_arn),
        )
        iam.Grant.add_to_principal(
            grantee=role,
            actions=["sts:AssumeRole", "sts:TagSession"],
            resource_arns=[self.tenant_role.role_arn],
        )
        self.function = lambda_.Function(
            self,
            "Function",
            description="Invokes a tenant's models with a session of the tenant's own",
            runtime=lambda_.Runtime.PYTHON_3_14,
            handler="broker.handler",
            code=lambda_.Code.from_asset(str(FUNCTION), exclude=["__pycache__"]),
            role=role,
            log_group=log_group,
            memory_size=memory_size,
            timeout=cdk.Duration.seconds(29),
            environment={
                "ENDPOINT_NAME": endpoint.endpoint_name,
                "TAG_KEY": tag_key,
                "TENANT_CLAIM": tenant_claim,
                "TENANT_ROLE_ARN": self.tenant_role.role_arn,
            },
        )

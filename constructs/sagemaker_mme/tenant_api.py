"""An HTTPS address in front of an endpoint, at which every tenant reaches its own models."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from sagemaker_mme.endpoint_base import MultiModelEndpointBase
from sagemaker_mme.tenant_broker import TenantBroker

TARGET_MODEL_HEADER = "X-Amzn-SageMaker-Target-Model"
_PASSED_ON = ("Accept", "Content-Type")


class TenantApi(Construct):
    """``POST /models/<model>``, authorized by a token or by IAM.

    With an authorizer, the tenant comes from the token: a request for ``prices.tar.gz`` invokes
    ``<tenant>/prices.tar.gz``, and ``POST /models`` invokes ``<tenant>/<tenant>.tar.gz``. What the
    caller puts into headers decides nothing.

    Without one, callers of the same account sign their requests, the path is the whole target
    model, and SageMaker decides by the caller's own permissions: a session of
    ``TenantInvokerRole`` reaches the models of its tag here as it does at the endpoint.

    Parameters
    ----------
    endpoint
        The endpoint.
    authorizer
        ``CognitoUserPoolsAuthorizer`` for tokens of a user pool; a Lambda authorizer for others,
        whose context has the key ``tenant_claim``. Default: IAM.
    tenant_claim
        Of the token, as in ``TenantBroker``. Default: ``custom:tenant``.
    tag_key
        As in ``TenantBroker``. Default: ``City``.
    rate_limit
        Requests a second that the usage plan lets through, for each key where keys are required
        and in all else. Default: 50.
    burst_limit
        Requests at once. Default: 100.
    api_key_required
        Want an API key too, so that the plan's limits hold for each; make them with
        ``usage_plan.add_api_key``. A key is no proof of who calls. Default: False.
    log_retention
        How long access logs are kept. Default: one month.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: MultiModelEndpointBase,
        authorizer: apigateway.IAuthorizer | None = None,
        tenant_claim: str = "custom:tenant",
        tag_key: str = "City",
        rate_limit: float = 50,
        burst_limit: int = 100,
        api_key_required: bool = False,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
    ) -> None:
        super().__init__(scope, construct_id)
        access_log = logs.LogGroup(
            self, "AccessLog", retention=log_retention, removal_policy=cdk.RemovalPolicy.DESTROY
        )
        self.rest_api = apigateway.RestApi(
            self,
            "Api",
            description="Invokes the models of the caller's tenant",
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            binary_media_types=["*/*"],
            cloud_watch_role=False,
            deploy_options=apigateway.StageOptions(
                stage_name="v1",
                throttling_rate_limit=rate_limit,
                throttling_burst_limit=burst_limit,
                metrics_enabled=True,
                access_log_destination=apigateway.LogGroupLogDestination(access_log),
                access_log_format=apigateway.AccessLogFormat.json_with_standard_fields(
                    caller=True,
                    http_method=True,
                    ip=True,
                    protocol=True,
                    request_time=True,
                    resource_path=True,
                    response_length=True,
                    status=True,
                    user=True,
                ),
            ),
        )
        self.broker = (
            TenantBroker(
                self, "Broker", endpoint=endpoint, tenant_claim=tenant_claim, tag_key=tag_key
            )
            if authorizer is not None
            else None
        )
        models = self.rest_api.root.add_resource("models")
        model = models.add_resource("{model+}")
        if self.broker is not None:
            integration: apigateway.Integration = apigateway.LambdaIntegration(
                self.broker.function, allow_test_invoke=False
            )
            for resource in (models, model):
                resource.add_method(
                    "POST", integration, authorizer=authorizer, api_key_required=api_key_required
                )
        else:
            model.add_method(
                "POST",
                _direct(endpoint),
                authorization_type=apigateway.AuthorizationType.IAM,
                api_key_required=api_key_required,
                request_parameters={
                    "method.request.path.model": True,
                    **{f"method.request.header.{name}": False for name in _PASSED_ON},
                },
                method_responses=[
                    apigateway.MethodResponse(
                        status_code=status,
                        response_parameters={"method.response.header.Content-Type": True},
                    )
                    for status in ("200", "400", "403", "500")
                ],
            )
        self.usage_plan = self.rest_api.add_usage_plan(
            "UsagePlan",
            throttle=apigateway.ThrottleSettings(rate_limit=rate_limit, burst_limit=burst_limit),
            api_stages=[
                apigateway.UsagePlanPerApiStage(
                    api=self.rest_api, stage=self.rest_api.deployment_stage
                )
            ],
        )

    def grant_execute(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let ``grantee`` call an API without an authorizer; its target models are its own."""
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["execute-api:Invoke"],
            resource_arns=[self.rest_api.arn_for_execute_api("POST", "/models/*", "v1")],
        )

    def associate_web_acl(self, web_acl_arn: str) -> wafv2.CfnWebACLAssociation:
        """Put a web ACL of AWS WAF in front of the API."""
        return wafv2.CfnWebACLAssociation(
            self,
            "WebAcl",
            resource_arn=self.rest_api.deployment_stage.stage_arn,
            web_acl_arn=web_acl_arn,
        )


def _direct(endpoint: MultiModelEndpointBase) -> apigateway.AwsIntegration:
    """To SageMaker, as the caller: API Gateway adds no permission of its own."""
    headers = {
        f"integration.request.header.{name}": f"method.request.header.{name}" for name in _PASSED_ON
    }
    content_type = {
        "method.response.header.Content-Type": "integration.response.header.Content-Type"
    }
    return apigateway.AwsIntegration(
        service="runtime.sagemaker",
        path=f"endpoints/{endpoint.endpoint_name}/invocations",
        integration_http_method="POST",
        options=apigateway.IntegrationOptions(
            credentials_passthrough=True,
            passthrough_behavior=apigateway.PassthroughBehavior.WHEN_NO_MATCH,
            request_parameters={
                **headers,
                f"integration.request.header.{TARGET_MODEL_HEADER}": "method.request.path.model",
            },
            integration_responses=[
                apigateway.IntegrationResponse(status_code="200", response_parameters=content_type),
                *(
                    apigateway.IntegrationResponse(
                        status_code=status,
                        selection_pattern=pattern,
                        response_parameters=content_type,
                    )
                    for status, pattern in (
                        ("403", "403"),
                        ("400", r"4\d{2}"),
                        ("500", r"5\d{2}"),
                    )
                ),
            ],
        ),
    )

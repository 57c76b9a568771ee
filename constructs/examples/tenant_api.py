"""An address at which the users of a Cognito pool reach their tenant's models."""

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cognito as cognito

import sagemaker_mme as mme

app = cdk.App()
stack = cdk.Stack(app, "TenantApi")
endpoint = mme.MultiModelEndpoint.from_endpoint_name(stack, "Endpoint", "houses")
users = cognito.UserPool(
    stack,
    "Users",
    self_sign_up_enabled=False,
    # Immutable: nobody moves to another tenant by editing a profile.
    custom_attributes={"tenant": cognito.StringAttribute(mutable=False, max_len=64)},
)
authorizer = apigateway.CognitoUserPoolsAuthorizer(stack, "Authorizer", cognito_user_pools=[users])
api = mme.TenantApi(stack, "Api", endpoint=endpoint, authorizer=authorizer)
signed = mme.TenantApi(stack, "SignedApi", endpoint=endpoint)
tenants = mme.TenantInvokerRole(stack, "Tenants", endpoint=endpoint)
signed.grant_execute(tenants)
app.synth()

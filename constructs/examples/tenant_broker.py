"""A function that invokes the models of the tenant that an authorizer found in a token."""

import aws_cdk as cdk

import sagemaker_mme as mme

app = cdk.App()
stack = cdk.Stack(app, "TenantBroker")
endpoint = mme.MultiModelEndpoint.from_endpoint_name(stack, "Endpoint", "houses")
broker = mme.TenantBroker(stack, "Broker", endpoint=endpoint, tag_key="Tenant")
cdk.CfnOutput(stack, "FunctionName", value=broker.function.function_name)
app.synth()

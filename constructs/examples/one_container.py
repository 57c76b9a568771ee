"""One container that holds many models, and a role for those of one tenant."""

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3

import sagemaker_mme as mme

app = cdk.App()
stack = cdk.Stack(app, "OneContainer")
bucket = s3.Bucket.from_bucket_name(stack, "Models", "my-models")
container = mme.MultiModelContainer(image=mme.ContainerImage.linear_learner(), bucket=bucket)
model = mme.Model(stack, "Model", containers=[container], network_isolation=True)
endpoint = mme.MultiModelEndpoint(stack, "Endpoint", model=model)
mme.TargetModelInvokerRole(stack, "NewYork", endpoint=endpoint, target_models=["NewYork_NY/*"])
app.synth()

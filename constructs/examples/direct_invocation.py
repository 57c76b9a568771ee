"""Two containers, each invoked by itself."""

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_s3 as s3

import sagemaker_mme as mme

app = cdk.App()
stack = cdk.Stack(app, "DirectInvocation")
bucket = s3.Bucket.from_bucket_name(stack, "Models", "my-models")
repository = ecr.Repository.from_repository_name(stack, "Repository", "my-image")
own = mme.Container(name="own", image=mme.ContainerImage.from_ecr_repository(repository, "1"))
many = mme.MultiModelContainer(
    name="many", image=mme.ContainerImage.linear_learner(), bucket=bucket
)
model = mme.Model(
    stack,
    "Model",
    containers=[own, many],
    inference_execution_mode=mme.InferenceExecutionMode.DIRECT,
)
mme.MultiModelEndpoint(stack, "Endpoint", model=model)
app.synth()

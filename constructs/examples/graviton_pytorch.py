"""Many PyTorch models on Graviton processors, their requests captured."""

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3

import sagemaker_mme as mme

app = cdk.App()
stack = cdk.Stack(app, "GravitonPytorch")
bucket = s3.Bucket.from_bucket_name(stack, "Models", "my-models")
container = mme.MultiModelContainer(
    image=mme.ContainerImage.pytorch(processor=mme.Processor.GRAVITON), bucket=bucket
)
endpoint = mme.MultiModelEndpoint(
    stack,
    "Endpoint",
    model=mme.Model(stack, "Model", containers=[container]),
    instance_type=mme.InstanceType("ml.c7g.xlarge"),
    data_capture=mme.DataCapture(bucket=bucket, sampling_percentage=10),
)
app.synth()

"""Many models on one GPU: Triton, with the driver that its CUDA version wants."""

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3

import sagemaker_mme as mme

app = cdk.App()
stack = cdk.Stack(app, "TritonGpu")
bucket = s3.Bucket.from_bucket_name(stack, "Models", "my-models")
container = mme.MultiModelContainer(image=mme.ContainerImage.triton(), bucket=bucket)
endpoint = mme.MultiModelEndpoint(
    stack,
    "Endpoint",
    production_variants=[
        mme.ProductionVariant(
            model=mme.Model(stack, "Model", containers=[container]),
            instance_type=mme.InstanceType("ml.g5.xlarge"),
            inference_ami_version=mme.InferenceAmiVersion.GPU_4_1,
            container_startup_health_check_timeout=cdk.Duration.minutes(10),
        )
    ],
)
app.synth()

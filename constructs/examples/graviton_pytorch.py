"""Many PyTorch models on Graviton processors, their requests captured, more in the morning."""

import aws_cdk as cdk
from aws_cdk import aws_applicationautoscaling as autoscaling
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
scaling = endpoint.auto_scale_instance_count(max_capacity=4)
scaling.scale_on_invocations(invocations_per_instance=3000)
scaling.scale_on_schedule(
    "Morning", schedule=autoscaling.Schedule.cron(hour="7", minute="0"), min_capacity=2
)
app.synth()

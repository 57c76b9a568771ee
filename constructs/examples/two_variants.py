"""Two variants that share the requests: a tenth goes to what is to be compared."""

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3

import sagemaker_mme as mme

app = cdk.App()
stack = cdk.Stack(app, "TwoVariants")
bucket = s3.Bucket.from_bucket_name(stack, "Models", "my-models")


def model(name: str, prefix: str) -> mme.Model:
    """A model whose container serves the models below ``prefix``."""
    image = mme.ContainerImage.linear_learner()
    container = mme.MultiModelContainer(image=image, bucket=bucket, prefix=prefix)
    return mme.Model(stack, name, containers=[container])


endpoint = mme.MultiModelEndpoint(
    stack,
    "Endpoint",
    production_variants=[
        mme.ProductionVariant(
            model=model("Model", "models/"), variant_name="Current", initial_variant_weight=9
        ),
        mme.ProductionVariant(
            model=model("Candidates", "candidates/"),
            variant_name="Candidate",
            initial_variant_weight=1,
            instance_type=mme.InstanceType("ml.r5.large"),
            volume_size=cdk.Size.gibibytes(50),
        ),
    ],
)
mme.EndpointAlarms(stack, "Alarms", endpoint=endpoint)
app.synth()

"""Many XGBoost models in AWS's own container."""

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3

import sagemaker_mme as mme

app = cdk.App()
stack = cdk.Stack(app, "XGBoost")
bucket = s3.Bucket.from_bucket_name(stack, "Models", "my-models")
container = mme.MultiModelContainer(
    image=mme.ContainerImage.xgboost(), bucket=bucket, prefix="xgboost/"
)
model = mme.Model(stack, "Model", containers=[container])
mme.MultiModelEndpoint(stack, "Endpoint", model=model)
app.synth()

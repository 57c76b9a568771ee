"""Many scikit-learn models in one container; each artifact brings its own script."""

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3

import sagemaker_mme as mme

app = cdk.App()
stack = cdk.Stack(app, "ScikitLearnModels")
bucket = s3.Bucket.from_bucket_name(stack, "Models", "my-models")
container = mme.MultiModelContainer(
    image=mme.ContainerImage.scikit_learn(),
    bucket=bucket,
    prefix="scikit-learn/",
    environment={
        "SAGEMAKER_PROGRAM": "inference.py",
        "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
    },
)
model = mme.Model(stack, "Model", containers=[container])
endpoint = mme.MultiModelEndpoint(stack, "Endpoint", model=model)
app.synth()

"""Many scikit-learn models in one container, and one script that loads and asks them."""

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
        "SAGEMAKER_SUBMIT_DIRECTORY": bucket.s3_url_for_object("code/sourcedir.tar.gz"),
    },
)
model = mme.Model(stack, "Model", containers=[container])
mme.PrefixGrants(bucket).read(model.role, "code/")
endpoint = mme.MultiModelEndpoint(stack, "Endpoint", model=model)
app.synth()

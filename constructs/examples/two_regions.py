"""A store, its copy in another region, and an endpoint there that needs nothing from the first."""

import aws_cdk as cdk

import sagemaker_mme as mme

ACCOUNT = "111122223333"

app = cdk.App()
home, away = (
    cdk.Stack(
        app,
        name,
        env=cdk.Environment(account=ACCOUNT, region=region),
        cross_region_references=True,
    )
    for name, region in (("Home", "eu-west-1"), ("Away", "eu-central-1"))
)
copy = mme.ModelStore(away, "Store")
store = mme.ModelStore(home, "Store", replicate_to=copy)
for stack, here in ((home, store), (away, copy)):
    container = mme.MultiModelContainer(
        image=mme.ContainerImage.linear_learner(), bucket=here.bucket
    )
    model = mme.Model(stack, "Model", containers=[container])
    mme.MultiModelEndpoint(stack, "Endpoint", model=model, endpoint_name="prices")
app.synth()

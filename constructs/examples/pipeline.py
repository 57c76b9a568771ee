"""A preprocessor in front of many models, watched, scaled, and updated with care."""

import aws_cdk as cdk
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_s3 as s3

import sagemaker_mme as mme

app = cdk.App()
stack = cdk.Stack(app, "Pipeline")
bucket = s3.Bucket.from_bucket_name(stack, "Models", "my-models")
scaler = mme.Container.scikit_learn(
    script="preprocess.py",
    model_data=mme.ModelData.from_bucket(bucket, "preprocessor/1/model.tar.gz"),
)
models = mme.MultiModelContainer(image=mme.ContainerImage.linear_learner(), bucket=bucket)
endpoint = mme.MultiModelEndpoint(
    stack,
    "Endpoint",
    model=mme.Model(stack, "Model", containers=[scaler, models]),
    initial_instance_count=2,
    deployment_policy=mme.DeploymentPolicy.canary(mme.CapacitySize.percent(50)),
)
alarms = mme.EndpointAlarms(stack, "Alarms", endpoint=endpoint, composite=True)
mme.EndpointDashboard(stack, "Dashboard", endpoint=endpoint)
endpoint.add_rollback_alarm(alarms.of_variant["AllTraffic"].server_errors)
scaling = endpoint.auto_scale_instance_count(min_capacity=2, max_capacity=8)
scaling.scale_on_invocations(max_requests_per_second=100)
scaling.scale_to_track("Memory", endpoint.metric_memory_utilization(), target_value=75)
every_morning = autoscaling.Schedule.cron(minute="0", hour="7", week_day="MON-FRI")
scaling.scale_on_schedule("Morning", schedule=every_morning, min_capacity=4)
app.synth()

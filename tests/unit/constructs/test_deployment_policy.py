"""How updates move traffic, what is captured, and how instances are scaled."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from sagemaker_mme import (
    CapacitySize,
    CaptureMode,
    DataCapture,
    DeploymentPolicy,
    InvalidPropsError,
    Model,
    MultiModelEndpoint,
    ProductionVariant,
)
from tests.unit.constructs.conftest import statements

Resources = Callable[[str], list[dict[str, Any]]]
TENTH = CapacitySize.percent(10)
MINUTE = cdk.Duration.minutes(1)


@pytest.mark.parametrize(
    ("policy", "rendered"),
    [
        (
            DeploymentPolicy.all_at_once(wait_interval=MINUTE, termination_wait=MINUTE),
            {
                "BlueGreenUpdatePolicy": {
                    "TerminationWaitInSeconds": 60,
                    "TrafficRoutingConfiguration": {
                        "Type": "ALL_AT_ONCE",
                        "WaitIntervalInSeconds": 60,
                    },
                }
            },
        ),
        (
            DeploymentPolicy.canary(
                TENTH, wait_interval=MINUTE, maximum_execution_timeout=cdk.Duration.hours(1)
            ),
            {
                "BlueGreenUpdatePolicy": {
                    "MaximumExecutionTimeoutInSeconds": 3600,
                    "TerminationWaitInSeconds": 300,
                    "TrafficRoutingConfiguration": {
                        "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 10},
                        "Type": "CANARY",
                        "WaitIntervalInSeconds": 60,
                    },
                }
            },
        ),
        (
            DeploymentPolicy.linear(CapacitySize.instances(1)),
            {
                "BlueGreenUpdatePolicy": {
                    "TerminationWaitInSeconds": 300,
                    "TrafficRoutingConfiguration": {
                        "LinearStepSize": {"Type": "INSTANCE_COUNT", "Value": 1},
                        "Type": "LINEAR",
                        "WaitIntervalInSeconds": 300,
                    },
                }
            },
        ),
        (
            DeploymentPolicy.rolling(TENTH, rollback_maximum_batch_size=CapacitySize.percent(100)),
            {
                "RollingUpdatePolicy": {
                    "MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 10},
                    "RollbackMaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 100},
                    "WaitIntervalInSeconds": 300,
                }
            },
        ),
    ],
)
def test_a_policy(
    stack: cdk.Stack,
    model: Model,
    resources: Resources,
    policy: DeploymentPolicy,
    rendered: dict[str, Any],
) -> None:
    MultiModelEndpoint(stack, "Endpoint", model=model, deployment_policy=policy)
    (endpoint,) = resources("AWS::SageMaker::Endpoint")
    assert endpoint["DeploymentConfig"] == rendered


def test_rollback_alarms_go_with_any_policy(
    stack: cdk.Stack, model: Model, resources: Resources
) -> None:
    MultiModelEndpoint(
        stack,
        "Endpoint",
        model=model,
        deployment_policy=DeploymentPolicy.rolling(TENTH),
        rollback_alarms=[cloudwatch.Alarm.from_alarm_name(stack, "Errors", "errors")],
    )
    (endpoint,) = resources("AWS::SageMaker::Endpoint")
    deployment = endpoint["DeploymentConfig"]
    assert deployment["AutoRollbackConfiguration"] == {"Alarms": [{"AlarmName": "errors"}]}
    assert "RollingUpdatePolicy" in deployment
    allowed = [s["Action"] for s in statements(resources("AWS::IAM::Policy"))]
    assert "cloudwatch:DescribeAlarms" in allowed


@pytest.mark.parametrize(
    ("policy", "problem"),
    [
        (DeploymentPolicy.canary(CapacitySize.percent(51)), "canary_size (in percent) is 51"),
        (DeploymentPolicy.canary(CapacitySize.instances(2)), "canary_size (of 3 instances) is 2"),
        (DeploymentPolicy.linear(CapacitySize.percent(9)), "linear_step_size (in percent) is 9"),
        (DeploymentPolicy.rolling(CapacitySize.percent(4)), "maximum_batch_size (in percent) is 4"),
        (
            DeploymentPolicy.rolling(TENTH, rollback_maximum_batch_size=CapacitySize.instances(4)),
            "rollback_maximum_batch_size (of 3 instances) is 4",
        ),
        (
            DeploymentPolicy.all_at_once(wait_interval=cdk.Duration.hours(2)),
            "wait_interval (in seconds) is 7200",
        ),
        (
            DeploymentPolicy.all_at_once(maximum_execution_timeout=cdk.Duration.minutes(10)),
            "maximum_execution_timeout is not above the 600 s",
        ),
    ],
)
def test_a_policy_that_sagemaker_would_refuse(
    stack: cdk.Stack, model: Model, policy: DeploymentPolicy, problem: str
) -> None:
    with pytest.raises(InvalidPropsError) as error:
        MultiModelEndpoint(
            stack, "Endpoint", model=model, initial_instance_count=3, deployment_policy=policy
        )
    (line,) = str(error.value).splitlines()[1:]
    assert line.startswith(f"  - {problem}")


def test_rolling_is_refused_for_several_variants_with_the_page_of_aws(
    stack: cdk.Stack, model: Model
) -> None:
    variants = [ProductionVariant(model=model, variant_name=name) for name in "AB"]
    with pytest.raises(InvalidPropsError, match=r"not 2: .*deployment-guardrails-exclusions.html"):
        MultiModelEndpoint(
            stack,
            "Endpoint",
            production_variants=variants,
            deployment_policy=DeploymentPolicy.rolling(TENTH),
        )


def test_requests_and_responses_are_captured_as_the_models_role(
    stack: cdk.Stack, model: Model, bucket: s3.IBucket, resources: Resources
) -> None:
    key = kms.Key(stack, "Key")
    capture = DataCapture(bucket=bucket, sampling_percentage=20, encryption_key=key)
    MultiModelEndpoint(stack, "Endpoint", model=model, data_capture=capture)
    (config,) = resources("AWS::SageMaker::EndpointConfig")
    assert config["DataCaptureConfig"] == {
        "CaptureContentTypeHeader": {
            "CsvContentTypes": ["text/csv"],
            "JsonContentTypes": ["application/json"],
        },
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "DestinationS3Uri": "s3://models-of-somebody/capture/",
        "EnableCapture": True,
        "InitialSamplingPercentage": 20,
        "KmsKeyId": stack.resolve(key.key_arn),
    }
    allowed = statements(resources("AWS::IAM::Policy"))
    (writing,) = (s for s in allowed if "s3:PutObject" in s["Action"])
    assert "/capture/*" in str(writing["Resource"])
    assert ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"] in [s["Action"] for s in allowed]


def test_a_capture_that_sagemaker_would_refuse(
    stack: cdk.Stack, model: Model, bucket: s3.IBucket
) -> None:
    capture = DataCapture(
        bucket=bucket,
        prefix="/capture",
        sampling_percentage=101,
        modes=[],
        csv_content_types=["text/csv"] * 11,
    )
    with pytest.raises(InvalidPropsError) as error:
        MultiModelEndpoint(stack, "Endpoint", model=model, data_capture=capture)
    assert [line.split()[1] for line in str(error.value).splitlines()[1:]] == [
        "data_capture:",
        "sampling_percentage",
        "data_capture",
        "number",
    ]


def test_only_what_is_asked_for_is_captured(
    stack: cdk.Stack, model: Model, bucket: s3.IBucket, resources: Resources
) -> None:
    capture = DataCapture(
        bucket=bucket, modes=[CaptureMode.INPUT], csv_content_types=(), json_content_types=()
    )
    MultiModelEndpoint(stack, "Endpoint", model=model, data_capture=capture)
    (config,) = resources("AWS::SageMaker::EndpointConfig")
    assert config["DataCaptureConfig"]["CaptureOptions"] == [{"CaptureMode": "Input"}]
    assert "CaptureContentTypeHeader" not in config["DataCaptureConfig"]


def test_the_number_to_aim_for_comes_from_what_an_instance_stands(
    endpoint: MultiModelEndpoint, resources: Resources
) -> None:
    """30 a second, times 60, times a safety factor of a half."""
    endpoint.auto_scale_instance_count(max_capacity=4).scale_on_invocations(
        max_requests_per_second=30
    )
    (policy,) = resources("AWS::ApplicationAutoScaling::ScalingPolicy")
    assert policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 900


@pytest.mark.parametrize(
    "props",
    [
        {},
        {"invocations_per_instance": 1, "max_requests_per_second": 1},
        {"invocations_per_instance": 0},
        {"max_requests_per_second": 1, "safety_factor": 1.5},
    ],
)
def test_a_number_that_cannot_be_aimed_for_is_refused(
    endpoint: MultiModelEndpoint, props: dict[str, float]
) -> None:
    target = endpoint.auto_scale_instance_count(max_capacity=4)
    with pytest.raises(InvalidPropsError):
        target.scale_on_invocations(**props)  # type: ignore[arg-type]


def test_a_metric_of_the_model_cache_can_be_followed(
    endpoint: MultiModelEndpoint, resources: Resources
) -> None:
    endpoint.auto_scale_instance_count(max_capacity=4).scale_to_track(
        "Memory", endpoint.metric_memory_utilization(), target_value=75
    )
    (policy,) = resources("AWS::ApplicationAutoScaling::ScalingPolicy")
    followed = policy["TargetTrackingScalingPolicyConfiguration"]
    assert followed["TargetValue"] == 75
    assert followed["CustomizedMetricSpecification"] == {
        "Dimensions": [
            {"Name": "EndpointName", "Value": "houses"},
            {"Name": "VariantName", "Value": "AllTraffic"},
        ],
        "MetricName": "MemoryUtilization",
        "Namespace": "/aws/sagemaker/Endpoints",
        "Statistic": "Average",
    }


def test_the_clock_can_be_followed(endpoint: MultiModelEndpoint, resources: Resources) -> None:
    endpoint.auto_scale_instance_count(max_capacity=4).scale_on_schedule(
        "Morning", schedule=autoscaling.Schedule.cron(hour="7", minute="0"), min_capacity=2
    )
    (target,) = resources("AWS::ApplicationAutoScaling::ScalableTarget")
    (action,) = target["ScheduledActions"]
    assert action["ScalableTargetAction"] == {"MinCapacity": 2}

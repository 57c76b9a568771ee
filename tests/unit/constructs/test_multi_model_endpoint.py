"""The endpoint: its resources, updates, scaling, and what it refuses."""

from collections.abc import Callable
from typing import Any, cast

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk.assertions import Template

from sagemaker_mme import (
    InstanceType,
    InvalidPropsError,
    Model,
    MultiModelEndpoint,
)
from tests.unit.constructs.conftest import statements

Resources = Callable[[str], list[dict[str, Any]]]


def problems_of(*args: Any, **props: Any) -> list[str]:
    with pytest.raises(InvalidPropsError) as error:
        MultiModelEndpoint(*args, **props)
    _, *lines = str(error.value).splitlines()
    return [line.removeprefix("  - ") for line in lines]


def alarms(stack: cdk.Stack, number: int) -> list[cloudwatch.IAlarm]:
    return [
        cloudwatch.Alarm.from_alarm_name(stack, f"Alarm{n}", f"alarm-{n}") for n in range(number)
    ]


def test_the_smallest_endpoint_has_one_m5_xlarge(
    endpoint: MultiModelEndpoint, stack: cdk.Stack, resources: Resources
) -> None:
    (config,) = resources("AWS::SageMaker::EndpointConfig")
    (model,) = Template.from_stack(stack).find_resources("AWS::SageMaker::Model")
    assert config == {
        "ProductionVariants": [
            {
                "InitialInstanceCount": 1,
                "InitialVariantWeight": 1,
                "InstanceType": "ml.m5.xlarge",
                "ModelName": {"Fn::GetAtt": [model, "ModelName"]},
                "VariantName": "AllTraffic",
            }
        ]
    }


def test_only_the_endpoint_has_a_name(endpoint: MultiModelEndpoint, resources: Resources) -> None:
    """A config replaced under the same name would collide, or go unnoticed by the endpoint."""
    (config,) = resources("AWS::SageMaker::EndpointConfig")
    (properties,) = resources("AWS::SageMaker::Endpoint")
    assert "EndpointConfigName" not in config
    assert properties["EndpointName"] == "houses"


def test_a_name_is_made_from_the_path_in_lower_case(
    stack: cdk.Stack, model: Model, resources: Resources
) -> None:
    MultiModelEndpoint(stack, "PricesOfHouses", model=model)
    (properties,) = resources("AWS::SageMaker::Endpoint")
    assert properties["EndpointName"] == "stack-pricesofhouses-6005697b"


def test_the_log_group_is_there_before_sagemaker_makes_one(
    endpoint: MultiModelEndpoint, stack: cdk.Stack
) -> None:
    template = Template.from_stack(stack)
    ((name, group),) = template.find_resources("AWS::Logs::LogGroup").items()
    (found,) = template.find_resources("AWS::SageMaker::Endpoint").values()
    assert group["Properties"]["LogGroupName"] == "/aws/sagemaker/Endpoints/houses"
    assert group["Properties"]["RetentionInDays"] == 30
    assert group["DeletionPolicy"] == "RetainExceptOnCreate"
    assert name in found["DependsOn"]


def test_everything_can_be_chosen(stack: cdk.Stack, model: Model, resources: Resources) -> None:
    MultiModelEndpoint(
        stack,
        "Endpoint",
        model=model,
        instance_type=InstanceType("ml.m4.xlarge"),
        initial_instance_count=3,
        variant_name="Blue",
        container_startup_health_check_timeout=cdk.Duration.minutes(5),
        model_data_download_timeout=cdk.Duration.seconds(90),
        log_retention=logs.RetentionDays.ONE_WEEK,
    )
    (config,) = resources("AWS::SageMaker::EndpointConfig")
    (variant,) = config["ProductionVariants"]
    assert variant["InstanceType"] == "ml.m4.xlarge"
    assert variant["InitialInstanceCount"] == 3
    assert variant["VariantName"] == "Blue"
    assert variant["ContainerStartupHealthCheckTimeoutInSeconds"] == 300
    assert variant["ModelDataDownloadTimeoutInSeconds"] == 90


def test_a_volume_key_is_granted_to_the_models_role(
    stack: cdk.Stack, model: Model, resources: Resources
) -> None:
    key = kms.Key(stack, "Key")
    MultiModelEndpoint(stack, "Endpoint", model=model, encryption_key=key)
    (config,) = resources("AWS::SageMaker::EndpointConfig")
    (grant,) = (
        statement
        for statement in statements(resources("AWS::IAM::Policy"))
        if statement["Action"] == "kms:CreateGrant"
    )
    assert config["KmsKeyId"] == grant["Resource"] == stack.resolve(key.key_arn)
    assert grant["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": "true"}}


def test_rollback_alarms_take_updates_back(
    stack: cdk.Stack, endpoint: MultiModelEndpoint, resources: Resources
) -> None:
    own = endpoint.metric_invocation_5xx_errors().create_alarm(
        stack, "Errors", threshold=1, evaluation_periods=1
    )
    endpoint.add_rollback_alarm(own)
    (properties,) = resources("AWS::SageMaker::Endpoint")
    deployment = properties["DeploymentConfig"]
    assert deployment["AutoRollbackConfiguration"]["Alarms"] == [
        {"AlarmName": stack.resolve(own.alarm_name)}
    ]
    routing = deployment["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    assert routing["Type"] == "ALL_AT_ONCE"


def test_no_deployment_config_without_alarms(
    endpoint: MultiModelEndpoint, resources: Resources
) -> None:
    (properties,) = resources("AWS::SageMaker::Endpoint")
    assert "DeploymentConfig" not in properties


def test_scaling_follows_invocations_per_instance(
    endpoint: MultiModelEndpoint, resources: Resources
) -> None:
    endpoint.auto_scale_instance_count(min_capacity=2, max_capacity=8).scale_on_invocations(
        invocations_per_instance=3000
    )
    (target,) = resources("AWS::ApplicationAutoScaling::ScalableTarget")
    assert target["ResourceId"] == "endpoint/houses/variant/AllTraffic"
    assert target["ScalableDimension"] == "sagemaker:variant:DesiredInstanceCount"
    assert target["ServiceNamespace"] == "sagemaker"
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 8)
    (policy,) = resources("AWS::ApplicationAutoScaling::ScalingPolicy")
    assert policy["TargetTrackingScalingPolicyConfiguration"] == {
        "PredefinedMetricSpecification": {
            "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
        },
        "ScaleInCooldown": 300,
        "ScaleOutCooldown": 300,
        "TargetValue": 3000,
    }


def test_updates_of_an_endpoint_that_does_not_scale_set_the_instance_count(
    endpoint: MultiModelEndpoint, resources: Resources
) -> None:
    (before,) = resources("AWS::SageMaker::Endpoint")
    assert "RetainAllVariantProperties" not in before


def test_updates_of_a_scaled_endpoint_keep_the_instance_count(
    endpoint: MultiModelEndpoint, resources: Resources
) -> None:
    endpoint.auto_scale_instance_count(max_capacity=2)
    (properties,) = resources("AWS::SageMaker::Endpoint")
    assert properties["RetainAllVariantProperties"] is True


def test_the_scaling_target_waits_for_the_endpoint(
    stack: cdk.Stack, endpoint: MultiModelEndpoint
) -> None:
    endpoint.auto_scale_instance_count(max_capacity=2)
    template = Template.from_stack(stack)
    (name,) = template.find_resources("AWS::SageMaker::Endpoint")
    targets = template.find_resources("AWS::ApplicationAutoScaling::ScalableTarget")
    assert [target["DependsOn"] for target in targets.values()] == [[name]]


def test_problems_are_told_all_at_once(stack: cdk.Stack, model: Model) -> None:
    problems = problems_of(
        stack,
        "Endpoint",
        model=model,
        endpoint_name="Houses",
        instance_type=InstanceType("ml.g5.xlarge"),
        initial_instance_count=0,
        container_startup_health_check_timeout=cdk.Duration.seconds(59),
        model_data_download_timeout=cdk.Duration.hours(2),
    )
    assert [problem.split("'")[0].split(" is ")[0].rstrip() for problem in problems] == [
        "endpoint_name",
        "instance_type",
        "initial_instance_count",
        "container_startup_health_check_timeout (in seconds)",
        "model_data_download_timeout (in seconds)",
    ]


@pytest.mark.parametrize("name", ["Houses", "houses_of_the_city", "-houses", "h" * 64])
def test_names_that_arns_cannot_hold_are_refused(stack: cdk.Stack, model: Model, name: str) -> None:
    (problem,) = problems_of(stack, "Endpoint", model=model, endpoint_name=name)
    assert problem.startswith(f"endpoint_name '{name}' is not up to 63 lower-case letters")


def test_instances_with_nvme_storage_take_no_volume_key(stack: cdk.Stack, model: Model) -> None:
    (problem,) = problems_of(
        stack,
        "Endpoint",
        model=model,
        instance_type=InstanceType("ml.m5d.xlarge"),
        encryption_key=kms.Key(stack, "Key"),
    )
    assert problem.startswith("encryption_key cannot be used with 'ml.m5d.xlarge'")


def test_more_than_ten_rollback_alarms_are_refused(stack: cdk.Stack, model: Model) -> None:
    (problem,) = problems_of(stack, "Endpoint", model=model, rollback_alarms=alarms(stack, 11))
    assert problem == "number of rollback_alarms is 11; allowed: 0 to 10"


def test_burstable_instances_are_not_scaled(stack: cdk.Stack, model: Model) -> None:
    endpoint = MultiModelEndpoint(
        stack, "Endpoint", model=model, instance_type=InstanceType("ml.t2.medium")
    )
    with pytest.raises(InvalidPropsError) as error:
        endpoint.auto_scale_instance_count(min_capacity=0, max_capacity=-1)
    _, *lines = str(error.value).splitlines()
    assert lines == [
        "  - instance_type 'ml.t2.medium' is burstable; SageMaker does not scale those",
        "  - min_capacity is 0; a multi-model endpoint keeps at least 1 instance",
        "  - max_capacity -1 is below min_capacity 0",
    ]


def test_values_known_at_deploy_time_are_let_through(
    stack: cdk.Stack, model: Model, resources: Resources
) -> None:
    text = cdk.CfnParameter(stack, "Text").value_as_string
    number = cast(int, cdk.CfnParameter(stack, "Number", type="Number").value_as_number)
    MultiModelEndpoint(
        stack,
        "Endpoint",
        model=model,
        endpoint_name=text,
        instance_type=InstanceType(text),
        initial_instance_count=number,
    )
    (config,) = resources("AWS::SageMaker::EndpointConfig")
    assert config["ProductionVariants"][0]["InitialInstanceCount"] == {"Ref": "Number"}


def test_an_endpoint_by_name_has_its_arn_in_lower_case(stack: cdk.Stack) -> None:
    """SageMaker writes endpoint names in lower case in ARNs; policies must do so too."""
    imported = MultiModelEndpoint.from_endpoint_name(stack, "Imported", "Houses-Dev")
    assert imported.endpoint_name == "Houses-Dev"
    assert stack.resolve(imported.endpoint_arn)["Fn::Join"][1][-1] == ":endpoint/houses-dev"


def test_an_endpoint_by_arn_keeps_account_and_region(stack: cdk.Stack) -> None:
    arn = "arn:aws:sagemaker:eu-west-1:210987654321:endpoint/houses"
    imported = MultiModelEndpoint.from_endpoint_arn(stack, "Imported", arn)
    assert (imported.endpoint_name, imported.endpoint_arn) == ("houses", arn)
    assert (imported.env.account, imported.env.region) == ("210987654321", "eu-west-1")


def test_an_endpoint_by_attributes_has_metrics_of_its_variant(stack: cdk.Stack) -> None:
    imported = MultiModelEndpoint.from_endpoint_attributes(
        stack, "Imported", endpoint_name="houses", variant_name="Blue", container_names=["a", "b"]
    )
    assert imported.metric_invocations().dimensions == {
        "EndpointName": "houses",
        "VariantName": "Blue",
    }
    assert imported.container_names == ("a", "b")

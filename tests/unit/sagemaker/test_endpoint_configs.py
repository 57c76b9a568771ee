from typing import Any

import pytest

from tests.unit.sagemaker.platform import Platform

ARN = "arn:aws:sagemaker:us-east-1:123456789012:endpoint-config/config"


@pytest.fixture(autouse=True)
def model(platform: Platform) -> None:
    platform.create_model()


def variant(**members: Any) -> dict[str, Any]:
    return {
        "VariantName": "AllTraffic",
        "ModelName": "model",
        "InstanceType": "ml.m5.xlarge",
        **members,
    }


def refusal(platform: Platform, *variants: dict[str, Any], **members: Any) -> str:
    request = {"EndpointConfigName": "config", "ProductionVariants": list(variants), **members}
    return platform.refusal("CreateEndpointConfig", **request).message


def test_a_config_is_described_with_the_defaults_filled_in(platform: Platform) -> None:
    created = platform.call(
        "CreateEndpointConfig", EndpointConfigName="config", ProductionVariants=[variant()]
    )
    config = platform.call("DescribeEndpointConfig", EndpointConfigName="config")
    assert created == {"EndpointConfigArn": ARN}
    assert config["ProductionVariants"] == [
        variant(InitialInstanceCount=1, InitialVariantWeight=1.0)
    ]


def test_a_name_is_taken_once(platform: Platform) -> None:
    platform.create_config()
    assert refusal(platform, variant()) == (
        f'Cannot create already existing endpoint configuration "{ARN}".'
    )


@pytest.mark.parametrize("operation", ["DescribeEndpointConfig", "DeleteEndpointConfig"])
def test_a_missing_config_could_not_be_found(platform: Platform, operation: str) -> None:
    error = platform.refusal(operation, EndpointConfigName="config")
    assert error.message == f'Could not find endpoint configuration "{ARN}".'


def test_configs_are_listed_and_deleted(platform: Platform) -> None:
    platform.create_config("one")
    platform.create_config("two")
    platform.call("DeleteEndpointConfig", EndpointConfigName="one")
    (config,) = platform.call("ListEndpointConfigs")["EndpointConfigs"]
    assert config["EndpointConfigName"] == "two"


@pytest.mark.parametrize(
    ("member", "value", "message"),
    [
        ("ModelName", "other", 'Could not find model "arn:aws:sagemaker'),
        ("InstanceType", "ml.g5.xlarge", "Instance type ml.g5.xlarge is not available here"),
        ("InstanceType", "ml.m5.huge", "satisfy enum value set"),
        ("InitialInstanceCount", 0, "greater than or equal to 1"),
        ("ServerlessConfig", {"MemorySizeInMB": 2048, "MaxConcurrency": 1}, "ServerlessConfig"),
    ],
)
def test_variants_that_cannot_run_here_are_refused(
    platform: Platform, member: str, value: object, message: str
) -> None:
    assert message in refusal(platform, variant(**{member: value}))


def test_a_variant_without_a_model_is_refused(platform: Platform) -> None:
    without = {key: value for key, value in variant().items() if key != "ModelName"}
    assert "needs ModelName" in refusal(platform, without)


def test_variants_have_names_of_their_own(platform: Platform) -> None:
    assert "must be unique" in refusal(platform, variant(), variant())


def test_data_capture_is_refused_rather_than_lost(platform: Platform) -> None:
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": "s3://bucket/capture",
        "CaptureOptions": [{"CaptureMode": "Input"}],
    }
    message = refusal(platform, variant(), DataCaptureConfig=capture)
    assert message == "DataCaptureConfig is not available here."


def test_a_volume_is_not_for_instances_with_disks_of_their_own(platform: Platform) -> None:
    asked = variant(InstanceType="ml.m5d.xlarge", VolumeSizeInGB=100)
    assert "VolumeSizeInGB is not for ml.m5d.xlarge" in refusal(platform, asked)


def test_data_capture_that_is_off_is_taken(platform: Platform) -> None:
    capture: dict[str, Any] = {
        "EnableCapture": False,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": "s3://b/p",
        "CaptureOptions": [{"CaptureMode": "Input"}],
    }
    request = {"EndpointConfigName": "config", "ProductionVariants": [variant()]}
    assert "DataCaptureConfig is not available" in refusal(
        platform, variant(), DataCaptureConfig=capture | {"EnableCapture": True}
    )
    platform.call("CreateEndpointConfig", **request, DataCaptureConfig=capture)
    described = platform.call("DescribeEndpointConfig", EndpointConfigName="config")
    assert described["DataCaptureConfig"] == capture

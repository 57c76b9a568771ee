import asyncio
import threading
from pathlib import Path

import pytest

from localaws.apis import create_apis
from localaws.hosting.invocation import InvocationRequest
from localaws.testing.memory import SCOPE
from tests.unit.hosting.containers import wait_until
from tests.unit.sagemaker.endpoints import ARN, delete, prepare, start_creating
from tests.unit.sagemaker.platform import Platform


def test_an_endpoint_is_creating_and_then_in_service(
    platform: Platform, hold: threading.Event
) -> None:
    prepare(platform)
    start_creating(platform)
    assert platform.describe()["EndpointStatus"] == "Creating"
    hold.set()
    assert platform.settled()["EndpointStatus"] == "InService"


def test_it_is_described_with_its_variants(platform: Platform) -> None:
    description = platform.deployed()
    assert description["EndpointArn"] == ARN
    assert description["EndpointConfigName"] == "config"
    assert description["ProductionVariants"] == [
        {
            "VariantName": "AllTraffic",
            "DeployedImages": [{"SpecifiedImage": "first"}, {"SpecifiedImage": "second"}],
            "CurrentWeight": 1.0,
            "DesiredWeight": 1.0,
            "CurrentInstanceCount": 1,
            "DesiredInstanceCount": 1,
        }
    ]


def test_what_is_kept_for_ourselves_is_not_shown(platform: Platform) -> None:
    assert not [member for member in platform.deployed() if member.startswith("_")]


def test_in_service_it_answers(platform: Platform) -> None:
    platform.deployed()
    assert platform.invoke() == b"a:scaler:1,2"


def test_while_creating_it_is_not_found_by_the_runtime(
    platform: Platform, hold: threading.Event
) -> None:
    prepare(platform)
    start_creating(platform)
    with pytest.raises(Exception, match="Endpoint housing of account 123456789012 not found"):
        platform.invoke()
    hold.set()


def test_a_name_is_taken_once_in_any_case(platform: Platform) -> None:
    platform.deployed()
    error = platform.refusal("CreateEndpoint", EndpointName="Housing", EndpointConfigName="config")
    assert error.message == f'Cannot create already existing endpoint "{ARN}".'


def test_it_can_be_addressed_in_any_case_but_not_invoked(platform: Platform) -> None:
    prepare(platform)
    platform.create_endpoint("Housing")
    assert platform.describe("housing")["EndpointName"] == "Housing"
    with pytest.raises(Exception, match="not found"):
        platform.invoke("housing")
    assert platform.invoke("Housing")


def test_a_missing_config_could_not_be_found(platform: Platform) -> None:
    error = platform.refusal("CreateEndpoint", EndpointName="housing", EndpointConfigName="config")
    assert error.message == (
        "Could not find endpoint configuration "
        '"arn:aws:sagemaker:us-east-1:123456789012:endpoint-config/config".'
    )


def test_a_model_deleted_since_could_not_be_found(platform: Platform) -> None:
    prepare(platform)
    platform.call("DeleteModel", ModelName="model")
    error = platform.refusal("CreateEndpoint", EndpointName="housing", EndpointConfigName="config")
    assert "Could not find model" in error.message


def test_the_installed_images_are_found_without_being_named(
    tmp_path: Path, platform: Platform
) -> None:
    apis = create_apis(tmp_path / "other", platform.backend, environment={})
    apis.start(asyncio.new_event_loop())
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/localaws-echo:1"
    call = apis.sagemaker.call
    call(SCOPE, "CreateModel", {"ModelName": "echo", "PrimaryContainer": {"Image": image}})
    variant = {"VariantName": "A", "ModelName": "echo", "InstanceType": "ml.t2.medium"}
    config = {"EndpointConfigName": "echo", "ProductionVariants": [variant]}
    call(SCOPE, "CreateEndpointConfig", config)
    call(SCOPE, "CreateEndpoint", {"EndpointName": "echo", "EndpointConfigName": "echo"})
    status = {"EndpointName": "echo"}
    wait_until(lambda: call(SCOPE, "DescribeEndpoint", status)["EndpointStatus"] == "InService")
    answer = asyncio.run(apis.runtime.invoke(SCOPE, "echo", InvocationRequest(b"hello")))
    apis.stop()
    assert answer.body == b"hello"


def test_a_failed_health_check_fails_the_endpoint_with_the_reason(platform: Platform) -> None:
    prepare(platform)
    platform.second.start_error = "out of ports"
    description = platform.create_endpoint()
    assert description["EndpointStatus"] == "Failed"
    assert description["FailureReason"].startswith(
        "The container-2 container for production variant AllTraffic did not pass the ping"
    )
    assert "out of ports" in description["FailureReason"]


def test_a_lost_permission_fails_the_endpoint_with_the_reason(platform: Platform) -> None:
    prepare(platform)
    platform.backend.s3.denied.add("s3:GetObject")
    description = platform.create_endpoint()
    assert description["EndpointStatus"] == "Failed"
    assert "s3:GetObject" in description["FailureReason"]


def test_a_failed_endpoint_can_only_be_deleted(platform: Platform) -> None:
    prepare(platform)
    platform.second.start_error = "out of ports"
    platform.create_endpoint()
    error = platform.refusal("UpdateEndpoint", EndpointName="housing", EndpointConfigName="config")
    assert "Failed" in error.message
    delete(platform)

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from localaws.control_plane.api import create_apis
from localaws.hosting.invocation import InvocationRequest
from tests.unit.control_plane.platform import Platform
from tests.unit.hosting.containers import wait_until
from tests.unit.memory_backend import SCOPE, model_archive

ARN = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/housing"
IN_PROGRESS = f'Cannot update in-progress endpoint "{ARN}".'
MISSING = f'Could not find endpoint "{ARN}".'


@pytest.fixture
def hold(platform: Platform) -> threading.Event:
    """Holds deployments up while they load the preprocessor, until it is set."""
    gate = threading.Event()
    platform.first.gates["scaler"] = gate
    return gate


def prepare(platform: Platform) -> None:
    platform.create_model()
    platform.create_config()


def start_creating(platform: Platform) -> None:
    platform.call("CreateEndpoint", EndpointName="housing", EndpointConfigName="config")
    wait_until(lambda: bool(platform.first.loaded))


def update(platform: Platform, config: str = "config-2", **members: Any) -> dict[str, Any]:
    platform.call("UpdateEndpoint", EndpointName="housing", EndpointConfigName=config, **members)
    return platform.settled()


def delete(platform: Platform) -> None:
    platform.call("DeleteEndpoint", EndpointName="housing")
    wait_until(lambda: platform.call("ListEndpoints") == {"Endpoints": []})


# Creating


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


# Failing


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


# Deleting


def test_a_deleted_endpoint_is_gone(platform: Platform) -> None:
    platform.deployed()
    delete(platform)
    assert platform.refusal("DescribeEndpoint", EndpointName="housing").message == MISSING
    with pytest.raises(Exception, match="not found"):
        platform.invoke()


@pytest.mark.parametrize("operation", ["DescribeEndpoint", "DeleteEndpoint"])
def test_a_missing_endpoint_could_not_be_found(platform: Platform, operation: str) -> None:
    assert platform.refusal(operation, EndpointName="housing").message == MISSING


def test_an_endpoint_that_is_creating_cannot_be_deleted_or_updated(
    platform: Platform, hold: threading.Event
) -> None:
    prepare(platform)
    start_creating(platform)
    refusals = [
        platform.refusal("DeleteEndpoint", EndpointName="housing"),
        platform.refusal("UpdateEndpoint", EndpointName="housing", EndpointConfigName="config"),
        platform.refusal(
            "UpdateEndpointWeightsAndCapacities",
            EndpointName="housing",
            DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredWeight": 2.0}],
        ),
    ]
    hold.set()
    assert [error.message for error in refusals] == [IN_PROGRESS] * 3


def test_after_deletion_the_name_is_free(platform: Platform) -> None:
    platform.deployed()
    delete(platform)
    assert platform.create_endpoint()["EndpointStatus"] == "InService"


# Updating


def test_the_old_config_serves_until_the_new_one_is_up(
    platform: Platform, hold: threading.Event
) -> None:
    hold.set()
    platform.deployed()
    platform.create_config("config-2")
    hold.clear()
    platform.call("UpdateEndpoint", EndpointName="housing", EndpointConfigName="config-2")
    wait_until(lambda: platform.first.loaded == ["scaler"] * 2)
    description = platform.describe()
    assert (description["EndpointStatus"], description["EndpointConfigName"]) == (
        "Updating",
        "config",
    )
    assert description["PendingDeploymentSummary"]["EndpointConfigName"] == "config-2"
    assert platform.invoke() == b"a:scaler:1,2"
    hold.set()
    after = platform.settled()
    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", "config-2")
    assert "PendingDeploymentSummary" not in after


def test_an_endpoint_that_is_updating_cannot_be_updated_or_deleted(
    platform: Platform, hold: threading.Event
) -> None:
    hold.set()
    platform.deployed()
    platform.create_config("config-2")
    hold.clear()
    platform.call("UpdateEndpoint", EndpointName="housing", EndpointConfigName="config-2")
    refusals = [
        platform.refusal("UpdateEndpoint", EndpointName="housing", EndpointConfigName="config"),
        platform.refusal("DeleteEndpoint", EndpointName="housing"),
    ]
    hold.set()
    assert [error.message for error in refusals] == [IN_PROGRESS] * 2


def test_a_deployment_config_is_kept_until_an_update_without_one(platform: Platform) -> None:
    platform.deployed()
    rolling = {
        "RollingUpdatePolicy": {
            "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1},
            "WaitIntervalInSeconds": 0,
        }
    }
    update(platform, "config", DeploymentConfig=rolling)
    assert (
        update(platform, "config", RetainDeploymentConfig=True)["LastDeploymentConfig"] == rolling
    )
    assert "LastDeploymentConfig" not in update(platform, "config")


def test_an_update_brings_the_new_model(platform: Platform) -> None:
    platform.deployed()
    platform.backend.s3.objects["preprocessor/model.tar.gz"] = model_archive({"model": b"new"})
    platform.create_model("model-2")
    platform.create_config("config-2", model="model-2")
    update(platform)
    assert platform.invoke() == b"a:new:1,2"


def test_a_failing_update_rolls_back_to_the_old_config(platform: Platform) -> None:
    platform.deployed()
    platform.create_config("config-2")
    platform.first.start_error = "no module named sklearn"
    description = update(platform)
    assert (description["EndpointStatus"], description["EndpointConfigName"]) == (
        "InService",
        "config",
    )
    assert "no module named sklearn" in description["FailureReason"]
    assert platform.invoke() == b"a:scaler:1,2"


def test_the_next_good_update_clears_the_reason(platform: Platform) -> None:
    platform.deployed()
    platform.create_config("config-2")
    platform.first.start_error = "no module named sklearn"
    update(platform)
    platform.first.start_error = ""
    assert "FailureReason" not in update(platform)


def test_a_config_that_does_not_exist_changes_nothing(platform: Platform) -> None:
    platform.deployed()
    error = platform.refusal(
        "UpdateEndpoint", EndpointName="housing", EndpointConfigName="config-2"
    )
    assert "Could not find endpoint configuration" in error.message
    assert platform.describe()["EndpointStatus"] == "InService"


def test_the_config_and_model_of_an_endpoint_can_be_deleted_under_it(platform: Platform) -> None:
    platform.deployed()
    platform.call("DeleteEndpointConfig", EndpointConfigName="config")
    platform.call("DeleteModel", ModelName="model")
    assert platform.invoke() == b"a:scaler:1,2"


# Weights and capacities


def counts(description: dict[str, Any]) -> tuple[int, float]:
    (variant,) = description["ProductionVariants"]
    return variant["CurrentInstanceCount"], variant["CurrentWeight"]


def set_capacity(platform: Platform, **change: Any) -> dict[str, Any]:
    platform.call(
        "UpdateEndpointWeightsAndCapacities",
        EndpointName="housing",
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", **change}],
    )
    return platform.settled()


def test_count_and_weight_can_be_changed(platform: Platform) -> None:
    platform.deployed()
    assert counts(set_capacity(platform, DesiredInstanceCount=2)) == (2, 1.0)
    assert counts(set_capacity(platform, DesiredWeight=0.5)) == (2, 0.5)


def test_an_unknown_variant_is_refused(platform: Platform) -> None:
    platform.deployed()
    error = platform.refusal(
        "UpdateEndpointWeightsAndCapacities",
        EndpointName="housing",
        DesiredWeightsAndCapacities=[{"VariantName": "Other", "DesiredInstanceCount": 1}],
    )
    assert "Could not find variant Other" in error.message


def test_an_update_resets_the_count_to_that_of_the_config(platform: Platform) -> None:
    platform.deployed()
    platform.create_config("config-2")
    set_capacity(platform, DesiredInstanceCount=2)
    assert counts(update(platform)) == (1, 1.0)


def test_an_update_can_retain_counts_and_weights(platform: Platform) -> None:
    platform.deployed()
    platform.create_config("config-2")
    set_capacity(platform, DesiredInstanceCount=2, DesiredWeight=0.5)
    assert counts(update(platform, RetainAllVariantProperties=True)) == (2, 0.5)


def test_retained_properties_can_be_excluded(platform: Platform) -> None:
    platform.deployed()
    platform.create_config("config-2")
    set_capacity(platform, DesiredInstanceCount=2, DesiredWeight=0.5)
    description = update(
        platform,
        RetainAllVariantProperties=True,
        ExcludeRetainedVariantProperties=[{"VariantPropertyType": "DesiredInstanceCount"}],
    )
    assert counts(description) == (1, 0.5)


# Restarts


def test_an_endpoint_is_in_service_again_after_a_restart(platform: Platform) -> None:
    platform.deployed()
    platform.restart()
    assert platform.describe()["EndpointStatus"] == "InService"
    assert platform.invoke() == b"a:scaler:1,2"


def test_even_when_its_config_and_model_are_gone(platform: Platform) -> None:
    platform.deployed()
    platform.call("DeleteEndpointConfig", EndpointConfigName="config")
    platform.call("DeleteModel", ModelName="model")
    platform.restart()
    assert platform.invoke() == b"a:scaler:1,2"


def test_capacity_survives_a_restart(platform: Platform) -> None:
    platform.deployed()
    set_capacity(platform, DesiredInstanceCount=2)
    platform.restart()
    assert counts(platform.describe()) == (2, 1.0)


def test_an_endpoint_that_cannot_come_back_has_failed_with_the_reason(platform: Platform) -> None:
    platform.deployed()
    platform.first.start_error = "no module named sklearn"
    platform.restart()
    description = platform.describe()
    assert description["EndpointStatus"] == "Failed"
    assert "no module named sklearn" in description["FailureReason"]


@pytest.mark.parametrize(
    ("status", "after"), [("Updating", "InService"), ("InService", "InService")]
)
def test_after_a_crash_a_deployed_endpoint_serves_what_it_last_served(
    platform: Platform, status: str, after: str
) -> None:
    platform.deployed()
    _pretend(platform, status)
    platform.restart()
    assert platform.describe()["EndpointStatus"] == after
    assert platform.invoke() == b"a:scaler:1,2"


def test_after_a_crash_an_endpoint_that_was_being_created_has_failed(platform: Platform) -> None:
    platform.deployed()
    record = _pretend(platform, "Creating")
    del record["_deployed"]
    platform.apis.store.put("endpoint", SCOPE, "housing", record)
    platform.restart()
    assert platform.describe()["EndpointStatus"] == "Failed"


def test_after_a_crash_an_endpoint_that_was_being_deleted_is_gone(platform: Platform) -> None:
    platform.deployed()
    _pretend(platform, "Deleting")
    platform.restart()
    assert platform.call("ListEndpoints") == {"Endpoints": []}


def _pretend(platform: Platform, status: str) -> dict[str, Any]:
    """Leave the record as a crash would."""
    record = platform.apis.store.get("endpoint", SCOPE, "housing")
    assert record is not None
    record["EndpointStatus"] = status
    platform.apis.store.put("endpoint", SCOPE, "housing", record)
    return record


# Listing


def test_endpoints_are_listed_by_status(platform: Platform) -> None:
    prepare(platform)
    platform.create_endpoint("good")
    platform.second.start_error = "out of ports"
    platform.create_endpoint("bad")
    (failed,) = platform.call("ListEndpoints", StatusEquals="Failed")["Endpoints"]
    assert failed["EndpointName"] == "bad"
    assert sorted(failed) == [
        "CreationTime",
        "EndpointArn",
        "EndpointName",
        "EndpointStatus",
        "LastModifiedTime",
    ]


def test_the_installed_images_are_found_without_being_named(
    tmp_path: Path, platform: Platform
) -> None:
    apis = create_apis(tmp_path / "other", platform.backend, environment={})
    apis.start()
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

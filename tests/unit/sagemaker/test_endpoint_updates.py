import threading

from localaws.testing.memory import model_archive
from tests.unit.hosting.containers import wait_until
from tests.unit.sagemaker.endpoints import IN_PROGRESS, update
from tests.unit.sagemaker.platform import Platform


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

from typing import Any

import pytest

from localaws.testing.memory import SCOPE
from tests.unit.sagemaker.endpoints import counts, set_capacity
from tests.unit.sagemaker.platform import Platform


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

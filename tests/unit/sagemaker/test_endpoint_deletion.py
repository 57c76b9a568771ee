import threading

import pytest

from tests.unit.sagemaker.endpoints import IN_PROGRESS, MISSING, delete, prepare, start_creating
from tests.unit.sagemaker.platform import Platform


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

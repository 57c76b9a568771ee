from tests.unit.sagemaker.endpoints import prepare
from tests.unit.sagemaker.platform import Platform


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

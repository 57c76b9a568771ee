"""What a DeploymentConfig may ask: docs API_DeploymentConfig and what it refers to."""

from typing import Any

import pytest

from localaws.backend import MetricAlarm
from localaws.testing.memory import SCOPE
from tests.unit.sagemaker.platform import Platform

HALF = {"Type": "CAPACITY_PERCENT", "Value": 50}
ALL_AT_ONCE = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
CANARY = {"Type": "CANARY", "WaitIntervalInSeconds": 60, "CanarySize": HALF}


def percent(value: int) -> dict[str, Any]:
    return {"Type": "CAPACITY_PERCENT", "Value": value}


def blue_green(routing: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing, **members}}


def rolling(size: int) -> dict[str, Any]:
    batch = {"MaximumBatchSize": percent(size), "WaitIntervalInSeconds": 60}
    return {"RollingUpdatePolicy": batch}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (blue_green({"Type": "CANARY", "WaitIntervalInSeconds": 60}), "CanarySize is needed"),
        (blue_green(CANARY | {"CanarySize": percent(60)}), "allowed: 1 to 50"),
        (blue_green(CANARY | {"CanarySize": {"Type": "INSTANCE_COUNT", "Value": 2}}),
         "2 of 1 instances"),
        (blue_green(CANARY | {"LinearStepSize": HALF}), "LinearStepSize is not for"),
        (blue_green({"Type": "LINEAR", "WaitIntervalInSeconds": 60}), "LinearStepSize is needed"),
        (blue_green({"Type": "LINEAR", "WaitIntervalInSeconds": 60, "LinearStepSize": percent(5)}),
         "allowed: 10 to 50"),
        (blue_green(ALL_AT_ONCE | {"CanarySize": HALF}), "CanarySize is not for"),
        (blue_green(CANARY, MaximumExecutionTimeoutInSeconds=600, TerminationWaitInSeconds=600),
         "MaximumExecutionTimeoutInSeconds 600 is not above"),
        (blue_green(ALL_AT_ONCE) | rolling(50), "one is allowed"),
        (rolling(60), "allowed: 5 to 50"),
        (blue_green(ALL_AT_ONCE) | {
            "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "none"}]}},
         "no alarm none exists"),
    ],
)  # fmt: skip
def test_a_deployment_that_sagemaker_would_not_begin(
    platform: Platform, config: dict[str, Any], message: str
) -> None:
    platform.create_model()
    platform.create_config()
    request = {"EndpointName": "e", "EndpointConfigName": "config", "DeploymentConfig": config}
    assert message in platform.refusal("CreateEndpoint", **request).message
    assert platform.call("ListEndpoints") == {"Endpoints": []}


def test_a_canary_with_an_alarm_that_exists_is_taken(platform: Platform) -> None:
    platform.create_model()
    platform.create_config()
    alarm = MetricAlarm("errors", "", "N", "m", {}, "Sum", 60, 1, "GreaterThanThreshold", 1.0, ())
    platform.backend.put_alarm(SCOPE, alarm)
    config = blue_green(CANARY) | {
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]}
    }
    platform.call(
        "CreateEndpoint", EndpointName="e", EndpointConfigName="config", DeploymentConfig=config
    )
    assert platform.settled("e")["EndpointStatus"] == "InService"

"""Updates of endpoints that alarms take back."""

import threading
import time
from typing import Any

from tests.unit.hosting.containers import wait_until
from tests.unit.sagemaker.endpoints import update
from tests.unit.sagemaker.platform import Platform

ALARMS = {
    "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]},
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 60}
    },
}


def update_with_alarms(platform: Platform) -> dict[str, Any]:
    platform.create_config("config-2")
    return update(platform, DeploymentConfig=ALARMS)


def test_an_update_stays_when_no_alarm_goes_off(platform: Platform) -> None:
    platform.backend.states["errors"] = "OK"
    platform.deployed()
    began = time.monotonic()
    assert update_with_alarms(platform)["EndpointConfigName"] == "config-2"
    assert time.monotonic() - began >= 1  # a sixtieth of the interval


def test_an_update_is_taken_back_when_an_alarm_goes_off(platform: Platform) -> None:
    platform.backend.states["errors"] = "OK"
    platform.deployed()
    threading.Timer(0.3, lambda: platform.backend.states.update(errors="ALARM")).start()
    after = update_with_alarms(platform)
    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", "config")
    assert after["FailureReason"] == (
        "The update was rolled back: CloudWatch alarms in ALARM: errors."
    )
    assert platform.invoke() == b"a:scaler:1,2"


def test_an_alarm_that_is_off_already_lets_no_update_through(platform: Platform) -> None:
    platform.backend.states["errors"] = "ALARM"
    platform.deployed()
    assert update_with_alarms(platform)["EndpointConfigName"] == "config"


def test_a_role_that_may_not_see_the_alarms_is_refused(platform: Platform) -> None:
    platform.backend.states["errors"] = "OK"
    platform.deployed()
    platform.create_config("config-2")
    platform.backend.denied.add("cloudwatch:DescribeAlarms")
    refused = platform.refusal(
        "UpdateEndpoint",
        EndpointName="housing",
        EndpointConfigName="config-2",
        DeploymentConfig=ALARMS,
    )
    assert refused.message == "not authorized to perform: DescribeAlarms"
    wait_until(lambda: platform.describe()["EndpointStatus"] == "InService")

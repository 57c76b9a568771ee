"""Scheduled actions: when they are due, and what becomes of a target's bounds and instances."""

from datetime import UTC, datetime
from typing import Any

import pytest

from localaws.autoscaling.schedules import Clock, next_time
from localaws.errors import AwsError
from tests.unit.hosting.containers import wait_until
from tests.unit.sagemaker.platform import Platform

TARGET = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/housing/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
NOON = datetime(2026, 11, 27, 12, 0, 30, tzinfo=UTC).timestamp()
HALF_MINUTE = 30.0


@pytest.fixture
def clock(platform: Platform) -> Clock:
    """The clock of a scaled endpoint of one instance, which the test lets go on."""
    platform.deployed()
    platform.scale("RegisterScalableTarget", **TARGET, MinCapacity=1, MaxCapacity=4)
    platform.apis.schedules.stop()
    return Clock(platform.apis.store, platform.apis.scaler, platform.backend.next_of_cron)


def schedule(platform: Platform, name: str = "morning", **members: Any) -> None:
    request = {
        "ScheduledActionName": name,
        "Schedule": "cron(* * * * ? *)",
        "ScalableTargetAction": {"MinCapacity": 3},
        **members,
    }
    platform.scale("PutScheduledAction", **TARGET, **request)


def instances(platform: Platform) -> int:
    (variant,) = platform.describe()["ProductionVariants"]
    return int(variant["CurrentInstanceCount"])


def bounds(platform: Platform) -> tuple[int, int]:
    answer = platform.scale("DescribeScalableTargets", ServiceNamespace="sagemaker")
    (target,) = answer["ScalableTargets"]
    return target["MinCapacity"], target["MaxCapacity"]


def test_at_its_time_the_bounds_change_and_the_instances_follow(
    platform: Platform, clock: Clock
) -> None:
    schedule(platform)
    clock.tick(NOON)
    assert bounds(platform) == (1, 4)
    clock.tick(NOON + HALF_MINUTE)
    wait_until(lambda: instances(platform) == 3)
    assert bounds(platform) == (3, 4)
    answer = platform.scale("DescribeScalingActivities", ServiceNamespace="sagemaker")
    assert {activity["Cause"] for activity in answer["ScalingActivities"]} == {
        "scheduled action name morning was triggered",
        "minimum capacity was set to 3",
    }


def test_a_lower_maximum_takes_instances_away(platform: Platform, clock: Clock) -> None:
    schedule(platform)
    clock.tick(NOON)
    clock.tick(NOON + HALF_MINUTE)
    wait_until(lambda: instances(platform) == 3)
    schedule(platform, ScalableTargetAction={"MinCapacity": 1, "MaxCapacity": 2})
    clock.tick(NOON + HALF_MINUTE)
    clock.tick(NOON + 3 * HALF_MINUTE)
    wait_until(lambda: instances(platform) == 2)


def test_a_suspended_target_stays(platform: Platform, clock: Clock) -> None:
    suspended = {"ScheduledScalingSuspended": True}
    platform.scale("RegisterScalableTarget", **TARGET, SuspendedState=suspended)
    schedule(platform)
    clock.tick(NOON)
    clock.tick(NOON + HALF_MINUTE)
    platform.apis.scaler.stop()
    assert bounds(platform) == (1, 4)


def test_actions_go_with_their_target(platform: Platform, clock: Clock) -> None:
    schedule(platform)
    platform.scale("DeregisterScalableTarget", **TARGET)
    answer = platform.scale("DescribeScheduledActions", ServiceNamespace="sagemaker")
    assert answer["ScheduledActions"] == []


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"Schedule": "every morning"}, "Invalid schedule expression: every morning"),
        ({"ScalableTargetAction": {}}, "MinCapacity, MaxCapacity or both are needed"),
        ({"ScalableTargetAction": {"MinCapacity": 3, "MaxCapacity": 2}}, "Maximum capacity cannot"),
        ({"Timezone": "Mars/Olympus"}, "Timezone Mars/Olympus is not valid"),
    ],
)
def test_what_could_never_act_is_refused(
    platform: Platform, clock: Clock, members: dict[str, Any], message: str
) -> None:
    with pytest.raises(AwsError, match=message):
        schedule(platform, **members)


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ({"Schedule": "at(2026-11-27T13:00:00)"}, NOON + 3570),
        ({"Schedule": "at(2026-11-27T13:00:00)", "Timezone": "Europe/Berlin"}, None),
        ({"Schedule": "at(2026-11-27T14:00:00)", "Timezone": "Europe/Berlin"}, NOON + 3570),
        ({"Schedule": "rate(5 minutes)", "CreationTime": NOON - 60}, NOON + 240),
        ({"Schedule": "rate(1 hour)", "StartTime": NOON + 7, "CreationTime": 0}, NOON + 7),
        ({"Schedule": "cron(* * * * ? *)", "EndTime": NOON + 10}, None),
        ({"Schedule": "cron(* * * * ? *)"}, NOON + 30),
    ],
)
def test_when_an_action_is_due_next(
    platform: Platform, action: dict[str, Any], expected: float | None
) -> None:
    assert next_time(action, NOON, platform.backend.next_of_cron) == expected

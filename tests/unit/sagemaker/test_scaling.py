"""Scaling policies at work: alarms ask, instance counts follow."""

from typing import Any

import pytest

from localaws.backend import AlarmInvocation, MetricAlarm
from localaws.errors import AwsError
from localaws.testing.memory import SCOPE
from tests.unit.sagemaker.platform import Platform

RESOURCE = "endpoint/housing/variant/AllTraffic"
TARGET = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": RESOURCE,
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
INVOCATIONS = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
NO_COOLDOWN = {"ScaleOutCooldown": 0, "ScaleInCooldown": 0}


@pytest.fixture(autouse=True)
def scaled_endpoint(platform: Platform) -> None:
    platform.deployed()
    platform.scale("RegisterScalableTarget", **TARGET, MinCapacity=1, MaxCapacity=4)


def put_tracking(platform: Platform, **members: Any) -> dict[str, Any]:
    """A policy that wants 100 invocations a minute on each instance."""
    metric = (
        {}
        if "CustomizedMetricSpecification" in members
        else {"PredefinedMetricSpecification": INVOCATIONS}
    )
    return platform.scale(
        "PutScalingPolicy",
        **TARGET,
        PolicyName="follow",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={"TargetValue": 100.0, **metric, **members},
    )


def alarms(platform: Platform) -> dict[str, MetricAlarm]:
    """The alarms by their side, High or Low."""
    return {
        name.split("-Alarm")[1].split("-")[0]: alarm
        for name, alarm in platform.backend.alarms.items()
    }


def ask(platform: Platform, policy: dict[str, Any], value: float) -> int:
    """What an alarm with this datapoint makes of the instance count."""
    invocation = AlarmInvocation(SCOPE, policy["PolicyARN"], "an alarm", 100.0, value)
    platform.apis.scaler.invoke(invocation).result(10)
    (variant,) = platform.describe()["ProductionVariants"]
    return int(variant["CurrentInstanceCount"])


def activities(platform: Platform, **request: Any) -> list[dict[str, Any]]:
    answer = platform.scale("DescribeScalingActivities", ServiceNamespace="sagemaker", **request)
    return list(answer["ScalingActivities"])


class TestAlarms:
    def test_one_scales_out_after_three_minutes_above_the_target(self, platform: Platform) -> None:
        policy = put_tracking(platform)
        high = alarms(platform)["High"]
        assert (high.comparison, high.threshold) == ("GreaterThanThreshold", 100)
        assert (high.period_seconds, high.evaluation_periods) == (60, 3)
        assert high.actions == (policy["PolicyARN"],)

    def test_one_scales_in_after_fifteen_minutes_below_nine_tenths(
        self, platform: Platform
    ) -> None:
        put_tracking(platform)
        low = alarms(platform)["Low"]
        assert (low.comparison, low.threshold) == ("LessThanThreshold", 90)
        assert low.evaluation_periods == 15

    def test_watch_the_variant(self, platform: Platform) -> None:
        put_tracking(platform)
        high = alarms(platform)["High"]
        assert (high.namespace, high.metric, high.statistic) == (
            "AWS/SageMaker",
            "InvocationsPerInstance",
            "Sum",
        )
        assert high.dimensions == {"EndpointName": "housing", "VariantName": "AllTraffic"}

    def test_watch_a_metric_of_the_users_own(self, platform: Platform) -> None:
        put_tracking(
            platform,
            CustomizedMetricSpecification={
                "Namespace": "Mine",
                "MetricName": "Queue",
                "Statistic": "Average",
                "Dimensions": [{"Name": "Endpoint", "Value": "housing"}],
            },
        )
        high = alarms(platform)["High"]
        assert (high.namespace, high.metric, high.statistic) == ("Mine", "Queue", "Average")
        assert high.dimensions == {"Endpoint": "housing"}

    def test_are_named_in_the_answer(self, platform: Platform) -> None:
        policy = put_tracking(platform)
        assert [a["AlarmName"] for a in policy["Alarms"]] == list(platform.backend.alarms)

    def test_none_scales_in_where_that_is_disabled(self, platform: Platform) -> None:
        put_tracking(platform)
        put_tracking(platform, DisableScaleIn=True)
        assert set(alarms(platform)) == {"High"}

    def test_go_with_their_policy(self, platform: Platform) -> None:
        put_tracking(platform)
        platform.scale("DeleteScalingPolicy", **TARGET, PolicyName="follow")
        assert platform.backend.alarms == {}

    def test_go_with_their_target(self, platform: Platform) -> None:
        put_tracking(platform)
        platform.scale("DeregisterScalableTarget", **TARGET)
        assert platform.backend.alarms == {}


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (
            {"PredefinedMetricSpecification": {"PredefinedMetricType": "ALBRequestCountPerTarget"}},
            "PredefinedMetricType ALBRequestCountPerTarget is not available here",
        ),
        (
            {"CustomizedMetricSpecification": {"MetricName": "Queue"}},
            "CustomizedMetricSpecification needs Namespace, Statistic",
        ),
        (
            {"CustomizedMetricSpecification": {"Metrics": [{"Id": "m"}]}},
            "Metric math in CustomizedMetricSpecification is not available here",
        ),
        ({"TargetValue": 0.0}, "TargetValue must be above 0, not 0"),
    ],
)
def test_a_target_that_cannot_be_followed_is_refused(
    platform: Platform, members: dict[str, Any], message: str
) -> None:
    with pytest.raises(AwsError, match=message):
        put_tracking(platform, **members)


def test_a_policy_needs_the_configuration_of_its_type(platform: Platform) -> None:
    with pytest.raises(AwsError, match="needs StepScalingPolicyConfiguration"):
        platform.scale("PutScalingPolicy", **TARGET, PolicyName="p", PolicyType="StepScaling")


class TestTargetTracking:
    def test_adds_as_many_instances_as_the_load_needs(self, platform: Platform) -> None:
        assert ask(platform, put_tracking(platform), 250) == 3

    def test_never_exceeds_the_maximum(self, platform: Platform) -> None:
        assert ask(platform, put_tracking(platform), 9_000) == 4

    def test_removes_instances_down_to_the_minimum(self, platform: Platform) -> None:
        policy = put_tracking(platform, **NO_COOLDOWN)
        ask(platform, policy, 9_000)
        assert ask(platform, policy, 0) == 1

    def test_waits_for_the_cooldown_of_a_scale_out(self, platform: Platform) -> None:
        policy = put_tracking(platform)
        ask(platform, policy, 150)
        assert ask(platform, policy, 150) == 2

    def test_adds_again_where_there_is_no_cooldown(self, platform: Platform) -> None:
        policy = put_tracking(platform, **NO_COOLDOWN)
        ask(platform, policy, 150)
        assert ask(platform, policy, 150) == 3

    def test_a_scale_out_does_not_wait_for_the_cooldown_of_a_scale_in(
        self, platform: Platform
    ) -> None:
        ask(platform, put_tracking(platform, **NO_COOLDOWN), 9_000)
        policy = put_tracking(platform, ScaleOutCooldown=0, ScaleInCooldown=0)
        ask(platform, policy, 30)
        policy = put_tracking(platform, ScaleOutCooldown=0, ScaleInCooldown=600)
        assert ask(platform, policy, 150) == 3

    def test_does_nothing_while_it_is_suspended(self, platform: Platform) -> None:
        policy = put_tracking(platform)
        suspended = {
            "DynamicScalingInSuspended": False,
            "DynamicScalingOutSuspended": True,
            "ScheduledScalingSuspended": False,
        }
        platform.scale("RegisterScalableTarget", **TARGET, SuspendedState=suspended)
        assert ask(platform, policy, 250) == 1

    def test_does_nothing_once_the_policy_is_gone(self, platform: Platform) -> None:
        policy = put_tracking(platform)
        platform.scale("DeleteScalingPolicy", **TARGET, PolicyName="follow")
        assert ask(platform, policy, 250) == 1


def test_step_scaling_follows_the_breach_of_the_users_alarm(platform: Platform) -> None:
    policy = platform.scale(
        "PutScalingPolicy",
        **TARGET,
        PolicyName="steps",
        PolicyType="StepScaling",
        StepScalingPolicyConfiguration={
            "AdjustmentType": "ChangeInCapacity",
            "StepAdjustments": [
                {
                    "MetricIntervalLowerBound": 0,
                    "MetricIntervalUpperBound": 50,
                    "ScalingAdjustment": 1,
                },
                {"MetricIntervalLowerBound": 50, "ScalingAdjustment": 2},
            ],
        },
    )
    assert policy["Alarms"] == []
    assert ask(platform, policy, 160) == 3


class TestActivities:
    def test_say_what_was_done_and_why(self, platform: Platform) -> None:
        ask(platform, put_tracking(platform), 250)
        (activity,) = activities(platform)
        assert activity["Description"] == "Setting desired instance count to 3."
        assert activity["Cause"] == "monitor alarm an alarm in state ALARM triggered policy follow"
        assert activity["StatusCode"] == "Successful"
        assert activity["StatusMessage"] == (
            "Successfully set desired instance count to 3. "
            "Change successfully fulfilled by sagemaker."
        )
        assert activity["EndTime"] >= activity["StartTime"]

    def test_come_newest_first_and_by_resource(self, platform: Platform) -> None:
        policy = put_tracking(platform, **NO_COOLDOWN)
        ask(platform, policy, 150)
        ask(platform, policy, 150)
        counts = [activity["Description"][-2] for activity in activities(platform)]
        assert counts == ["3", "2"]
        assert activities(platform, ResourceId="endpoint/other/variant/A") == []

    def test_fail_with_the_endpoints_reason(self, platform: Platform) -> None:
        platform.second.start_error = "no memory"
        assert ask(platform, put_tracking(platform), 250) == 1
        (activity,) = activities(platform)
        assert activity["StatusCode"] == "Failed"
        assert activity["StatusMessage"].startswith(
            "Failed to set desired instance count to 3. Reason: "
        )

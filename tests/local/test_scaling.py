"""Autoscaling on localaws: metrics set alarms off, alarms change the instance count."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from localaws.testing import LocalAws
from localaws.testing.hosting import Hosting, make_hosting, wait_until

NAME = "scaling"
TARGET = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": f"endpoint/{NAME}/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
QUEUE = {"Namespace": "scaling-test", "MetricName": "Queue", "Statistic": "Minimum"}


@pytest.fixture(scope="module")
def hosting(localaws: LocalAws) -> Hosting:
    hosting = make_hosting(localaws.session(), NAME)
    hosting.deploy(NAME)
    return hosting


@pytest.fixture
def scaling(hosting: Hosting) -> Iterator[Any]:
    """Application Auto Scaling, with the variant as a target of one to five instances."""
    client: Any = hosting.session.client("application-autoscaling")
    client.register_scalable_target(**TARGET, MinCapacity=1, MaxCapacity=5)
    yield client
    client.deregister_scalable_target(**TARGET)


def put_queue(hosting: Hosting, values: list[int]) -> None:
    """One value in each of the last minutes, the latest one last."""
    latest = datetime.now(UTC) - timedelta(seconds=30)
    name = QUEUE["MetricName"]
    hosting.session.client("cloudwatch").put_metric_data(
        Namespace=QUEUE["Namespace"],
        MetricData=[
            {"MetricName": name, "Timestamp": latest - timedelta(minutes=age), "Value": value}
            for age, value in enumerate(reversed(values))
        ],
    )


def instances(hosting: Hosting) -> int:
    (variant,) = hosting.settled(NAME)["ProductionVariants"]
    return int(variant["CurrentInstanceCount"])


def test_instances_follow_the_metric_out_and_in(hosting: Hosting, scaling: Any) -> None:
    put_queue(hosting, [25] * 3)
    policy = scaling.put_scaling_policy(
        **TARGET,
        PolicyName="queue",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 10.0,
            "CustomizedMetricSpecification": QUEUE,
            "ScaleOutCooldown": 0,
            "ScaleInCooldown": 0,
        },
    )
    assert len(policy["Alarms"]) == 2
    wait_until(lambda: instances(hosting) == 3, "three instances")
    put_queue(hosting, [1] * 15)
    wait_until(lambda: instances(hosting) == 1, "one instance")
    found = scaling.describe_scaling_activities(ServiceNamespace="sagemaker")
    shown = [activity["Description"] for activity in found["ScalingActivities"]]
    assert shown == [
        "Setting desired instance count to 1.",
        "Setting desired instance count to 3.",
    ]


def test_an_alarm_of_the_user_takes_a_step(hosting: Hosting, scaling: Any) -> None:
    cloudwatch: Any = hosting.session.client("cloudwatch")
    policy = scaling.put_scaling_policy(
        **TARGET,
        PolicyName="steps",
        PolicyType="StepScaling",
        StepScalingPolicyConfiguration={
            "AdjustmentType": "ExactCapacity",
            "Cooldown": 0,
            "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 2}],
        },
    )
    cloudwatch.put_metric_data(
        Namespace="scaling-test", MetricData=[{"MetricName": "Errors", "Value": 5}]
    )
    cloudwatch.put_metric_alarm(
        AlarmName="scaling-errors",
        Namespace="scaling-test",
        MetricName="Errors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=3,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[policy["PolicyARN"]],
    )
    wait_until(lambda: instances(hosting) == 2, "two instances")
    cloudwatch.delete_alarms(AlarmNames=["scaling-errors"])

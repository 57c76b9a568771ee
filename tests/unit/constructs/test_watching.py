"""Metrics, dashboard and alarms."""

import json
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_sns as sns

from sagemaker_mme import EndpointAlarms, EndpointDashboard, MultiModelEndpoint
from sagemaker_mme.endpoint_base import MultiModelEndpointBase

Resources = Callable[[str], list[dict[str, Any]]]
RUNTIME, INSTANCES = "AWS/SageMaker", "/aws/sagemaker/Endpoints"


@pytest.fixture
def endpoint(stack: cdk.Stack) -> MultiModelEndpointBase:
    return MultiModelEndpoint.from_endpoint_name(stack, "Endpoint", "houses")


# https://docs.aws.amazon.com/sagemaker/latest/dg/multi-model-endpoint-cloudwatch-metrics.html
# https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
@pytest.mark.parametrize(
    ("method", "name", "namespace", "statistic"),
    [
        ("invocations", "Invocations", RUNTIME, "Sum"),
        ("invocations_per_instance", "InvocationsPerInstance", RUNTIME, "Sum"),
        ("invocation_4xx_errors", "Invocation4XXErrors", RUNTIME, "Sum"),
        ("invocation_5xx_errors", "Invocation5XXErrors", RUNTIME, "Sum"),
        ("invocation_model_errors", "InvocationModelErrors", RUNTIME, "Sum"),
        ("model_latency", "ModelLatency", RUNTIME, "Average"),
        ("overhead_latency", "OverheadLatency", RUNTIME, "Average"),
        ("model_loading_wait_time", "ModelLoadingWaitTime", RUNTIME, "Average"),
        ("model_downloading_time", "ModelDownloadingTime", RUNTIME, "Average"),
        ("model_loading_time", "ModelLoadingTime", RUNTIME, "Average"),
        ("model_unloading_time", "ModelUnloadingTime", RUNTIME, "Average"),
        ("model_cache_hit", "ModelCacheHit", RUNTIME, "Average"),
        ("loaded_model_count", "LoadedModelCount", INSTANCES, "Average"),
        ("cpu_utilization", "CPUUtilization", INSTANCES, "Average"),
        ("memory_utilization", "MemoryUtilization", INSTANCES, "Average"),
        ("disk_utilization", "DiskUtilization", INSTANCES, "Average"),
    ],
)
def test_metric(
    endpoint: MultiModelEndpointBase,
    method: str,
    name: str,
    namespace: str,
    statistic: str,
) -> None:
    metric = getattr(endpoint, f"metric_{method}")()
    assert (metric.metric_name, metric.namespace, metric.statistic) == (name, namespace, statistic)
    assert metric.to_metric_config().metric_stat.unit_filter is None
    assert metric.dimensions == {"EndpointName": "houses", "VariantName": "AllTraffic"}
    assert metric.period.to_seconds() == 60


def test_container_latency_has_the_container_as_a_dimension(
    endpoint: MultiModelEndpointBase,
) -> None:
    metric = endpoint.metric_container_latency("container-2")
    assert metric.metric_name == "ContainerLatency"
    assert metric.dimensions == {
        "ContainerName": "container-2",
        "EndpointName": "houses",
        "VariantName": "AllTraffic",
    }


def test_any_other_metric_by_its_name(endpoint: MultiModelEndpointBase) -> None:
    metric = endpoint.metric("Anything", statistic="p90", period=cdk.Duration.minutes(5))
    assert (metric.metric_name, metric.statistic) == ("Anything", "p90")
    assert metric.period.to_seconds() == 300


@pytest.fixture
def charts(
    stack: cdk.Stack, endpoint: MultiModelEndpointBase, resources: Resources
) -> list[dict[str, Any]]:
    EndpointDashboard(stack, "Dashboard", endpoint=endpoint)
    (dashboard,) = resources("AWS::CloudWatch::Dashboard")
    body = dashboard["DashboardBody"]
    parts = body["Fn::Join"][1] if isinstance(body, dict) else [body]
    text = "".join(part if isinstance(part, str) else "us-east-1" for part in parts)
    return [widget["properties"] for widget in json.loads(text)["widgets"]]


def metric_names(chart: dict[str, Any]) -> set[str]:
    return {metric[1] for metric in chart["metrics"]}


def test_the_dashboard_begins_with_the_two_charts_of_the_model_cache(
    charts: list[dict[str, Any]],
) -> None:
    assert metric_names(charts[0]) == {"LoadedModelCount", "MemoryUtilization"}
    assert metric_names(charts[1]) == {"LoadedModelCount", "ModelCacheHit"}


def test_the_dashboard_shows_every_metric(charts: list[dict[str, Any]]) -> None:
    shown = {name for chart in charts for name in metric_names(chart)}
    every = {
        "CPUUtilization", "ContainerLatency", "DiskUtilization", "Invocation4XXErrors",
        "Invocation5XXErrors", "InvocationModelErrors", "Invocations", "InvocationsPerInstance",
        "LoadedModelCount", "MemoryUtilization", "ModelCacheHit", "ModelDownloadingTime",
        "ModelLatency", "ModelLoadingTime", "ModelLoadingWaitTime", "ModelUnloadingTime",
        "OverheadLatency",
    }  # fmt: skip
    assert shown == every


def test_the_dashboard_shows_the_latency_of_each_container(charts: list[dict[str, Any]]) -> None:
    (chart,) = (chart for chart in charts if metric_names(chart) == {"ContainerLatency"})
    assert [metric[3] for metric in chart["metrics"]] == ["container-1", "container-2"]


def test_alarms_have_documented_thresholds(
    stack: cdk.Stack, endpoint: MultiModelEndpointBase, resources: Resources
) -> None:
    EndpointAlarms(stack, "Alarms", endpoint=endpoint)
    found = {
        alarm["AlarmName"]: (
            alarm["MetricName"],
            alarm.get("Statistic") or alarm["ExtendedStatistic"],
            alarm["ComparisonOperator"].removesuffix("Threshold"),
            alarm["Threshold"],
            alarm["EvaluationPeriods"],
        )
        for alarm in resources("AWS::CloudWatch::Alarm")
    }
    at_least, less = "GreaterThanOrEqualTo", "LessThan"
    assert found == {
        "houses-ServerErrors": ("Invocation5XXErrors", "Sum", at_least, 5, 1),
        "houses-ModelLatency": ("ModelLatency", "p99", at_least, 1_000_000, 3),
        "houses-LoadingWait": ("ModelLoadingWaitTime", "Average", at_least, 5_000_000, 3),
        "houses-Memory": ("MemoryUtilization", "Average", at_least, 90, 3),
        "houses-Thrash": ("ModelUnloadingTime", "SampleCount", at_least, 20, 2),
        "houses-CacheHit": ("ModelCacheHit", "Average", less, 0.5, 3),
    }


def test_an_idle_endpoint_raises_no_alarm(
    stack: cdk.Stack, endpoint: MultiModelEndpointBase, resources: Resources
) -> None:
    EndpointAlarms(stack, "Alarms", endpoint=endpoint)
    treatments = {alarm["TreatMissingData"] for alarm in resources("AWS::CloudWatch::Alarm")}
    assert treatments == {"notBreaching"}


def test_a_topic_hears_of_alarms_and_their_ends(
    stack: cdk.Stack, endpoint: MultiModelEndpointBase, resources: Resources
) -> None:
    arn = "arn:aws:sns:us-east-1:123456789012:pager"
    topic = sns.Topic.from_topic_arn(stack, "Topic", arn)
    EndpointAlarms(stack, "Alarms", endpoint=endpoint, topic=topic)
    for alarm in resources("AWS::CloudWatch::Alarm"):
        assert alarm["AlarmActions"] == alarm["OKActions"] == [arn]


def test_a_composite_alarm_sends_one_message_for_all(
    stack: cdk.Stack, endpoint: MultiModelEndpointBase, resources: Resources
) -> None:
    arn = "arn:aws:sns:us-east-1:123456789012:pager"
    topic = sns.Topic.from_topic_arn(stack, "Topic", arn)
    EndpointAlarms(stack, "Alarms", endpoint=endpoint, topic=topic, composite=True)
    (composite,) = resources("AWS::CloudWatch::CompositeAlarm")
    assert composite["AlarmActions"] == composite["OKActions"] == [arn]
    assert composite["AlarmName"] == "houses-Composite"
    assert json.dumps(composite["AlarmRule"]).count("ALARM(") == 6
    assert all("AlarmActions" not in alarm for alarm in resources("AWS::CloudWatch::Alarm"))


# The tables of the two pages above: which statistics each metric has.
TIMES = {"Average", "Sum", "Minimum", "Maximum", "SampleCount"}
STATISTICS = {
    "Invocations": {"Sum"},
    "InvocationsPerInstance": {"Sum"},
    "Invocation4XXErrors": {"Average", "Sum"},
    "Invocation5XXErrors": {"Average", "Sum"},
    "InvocationModelErrors": {"Average", "Sum"},
    "ModelLatency": TIMES,
    "OverheadLatency": TIMES,
    "ContainerLatency": TIMES,
    "ModelLoadingWaitTime": TIMES,
    "ModelUnloadingTime": TIMES,
    "ModelDownloadingTime": TIMES,
    "ModelLoadingTime": TIMES,
    "ModelCacheHit": {"Average", "Sum", "SampleCount"},
    "LoadedModelCount": TIMES,
    "CPUUtilization": TIMES,
    "MemoryUtilization": TIMES,
    "DiskUtilization": TIMES,
}


def test_every_metric_has_a_statistic_that_is_documented_for_it(
    endpoint: MultiModelEndpointBase,
) -> None:
    methods = [name for name in dir(endpoint) if name.startswith("metric_")]
    metrics = [
        getattr(endpoint, name)(*(["c"] if "container" in name else []))
        for name in methods
        if name != "metric_dimensions"
    ]
    assert {metric.metric_name for metric in metrics} == STATISTICS.keys()
    assert all(metric.statistic in STATISTICS[metric.metric_name] for metric in metrics)

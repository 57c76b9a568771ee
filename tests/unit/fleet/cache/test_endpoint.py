"""What is asked of SageMaker about an endpoint, against answers that botocore's stubber gives."""

from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from fleet.cache.endpoint import EndpointError, WatchedEndpoint, describe_endpoint

ARN = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/housing-dev"
NOW = datetime(2026, 11, 22, tzinfo=UTC)
PIPELINE = [
    {"Image": "scikit-learn", "ContainerHostname": "preprocessor"},
    {
        "Image": "linear-learner",
        "ContainerHostname": "linear-learner",
        "Mode": "MultiModel",
        "ModelDataUrl": "s3://bucket/models/",
    },
]


class FakeSession:
    """A session whose only client is stubbed."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def client(self, name: str) -> Any:
        assert name == "sagemaker"
        return self._client


def describe(
    containers: list[dict[str, Any]],
    *,
    status: str = "InService",
    metrics: dict[str, Any] | None = None,
    tags: dict[str, str] | None = None,
) -> WatchedEndpoint:
    client = boto3.client(
        "sagemaker",
        region_name="us-east-1",
        aws_access_key_id="id",
        aws_secret_access_key="secret",
    )
    variant = {"VariantName": "AllTraffic", "ModelName": "model", "InstanceType": "ml.m4.xlarge"}
    config: dict[str, Any] = {
        "EndpointConfigName": "config",
        "EndpointConfigArn": ARN.replace("endpoint/", "endpoint-config/"),
        "ProductionVariants": [variant],
        "CreationTime": NOW,
    }
    if metrics:
        config["MetricsConfig"] = metrics
    with Stubber(client) as stubber:
        stubber.add_response(
            "describe_endpoint",
            {
                "EndpointName": "housing-dev",
                "EndpointArn": ARN,
                "EndpointConfigName": "config",
                "EndpointStatus": status,
                "ProductionVariants": [{"VariantName": "AllTraffic", "CurrentInstanceCount": 2}],
                "CreationTime": NOW,
                "LastModifiedTime": NOW,
            },
        )
        stubber.add_response("describe_endpoint_config", config)
        stubber.add_response(
            "describe_model",
            {
                "ModelName": "model",
                "ModelArn": ARN.replace("endpoint/", "model/"),
                "Containers": containers,
                "CreationTime": NOW,
            },
        )
        stubber.add_response(
            "list_tags",
            {"Tags": [{"Key": key, "Value": value} for key, value in (tags or {}).items()]},
        )
        session: Any = FakeSession(client)
        return describe_endpoint(session, "housing-dev")


def test_models_lie_below_the_multi_model_containers_prefix() -> None:
    endpoint = describe(PIPELINE)
    assert (endpoint.bucket, endpoint.model_prefix) == ("bucket", "models/")
    assert endpoint.multi_model_container == "linear-learner"


def test_a_prefix_without_its_slash_gets_one() -> None:
    container = {"Image": "i", "Mode": "MultiModel", "ModelDataUrl": "s3://bucket/some/models"}
    assert describe([container]).model_prefix == "some/models/"


def test_containers_without_host_names_have_sagemakers_own() -> None:
    containers = [
        {key: value for key, value in container.items() if key != "ContainerHostname"}
        for container in PIPELINE
    ]
    assert describe(containers).containers == ("container-1", "container-2")


def test_hardware_is_what_runs_now() -> None:
    assert describe(PIPELINE).hardware == "2 × ml.m4.xlarge"


def test_an_endpoint_without_models_to_cache_cannot_be_watched() -> None:
    with pytest.raises(EndpointError, match="no container in MultiModel mode"):
        describe([{"Image": "i", "ModelDataUrl": "s3://bucket/model.tar.gz"}])


def test_an_endpoint_that_is_not_in_service_cannot_be_watched() -> None:
    with pytest.raises(EndpointError, match="is Failed; it has to be InService"):
        describe(PIPELINE, status="Failed")


@pytest.mark.parametrize(
    ("metrics", "tags", "period"),
    [
        (None, None, 60),
        ({"EnableEnhancedMetrics": True, "MetricPublishFrequencyInSeconds": 10}, None, 10),
        ({"EnableEnhancedMetrics": True}, None, 60),
        # Without enhanced metrics the frequency is that of utilization alone.
        ({"EnableEnhancedMetrics": False, "MetricPublishFrequencyInSeconds": 10}, None, 60),
        (None, {"metrics-period-seconds": "1"}, 1),
    ],
)
def test_the_period_is_how_often_the_endpoint_publishes(
    metrics: dict[str, Any] | None, tags: dict[str, str] | None, period: int
) -> None:
    assert describe(PIPELINE, metrics=metrics, tags=tags).metrics_period == period


def test_simulated_metrics_are_those_that_the_tag_names() -> None:
    endpoint = describe(PIPELINE, tags={"simulated-metrics": "CPUUtilization MemoryUtilization"})
    assert endpoint.simulated_metrics == {"CPUUtilization", "MemoryUtilization"}


def test_metrics_are_measured_unless_a_tag_says_otherwise() -> None:
    assert describe(PIPELINE).simulated_metrics == frozenset()

"""What an experiment needs to know of an endpoint, asked of SageMaker."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import ClientError

from fleet.errors import HousingError

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import DescribeEndpointConfigOutputTypeDef

SIMULATED_METRICS_TAG = "simulated-metrics"
"""Tag of an endpoint in a test environment: metrics that are computed there, not measured."""
METRICS_PERIOD_TAG = "metrics-period-seconds"
"""Tag of an endpoint whose metrics come more often than its endpoint config says."""
STANDARD_PERIOD = 60
"""SageMaker publishes once a minute unless the endpoint config's MetricsConfig says otherwise."""


class EndpointError(HousingError):
    """An endpoint that cannot be watched; the text says why."""


@dataclass(frozen=True)
class WatchedEndpoint:
    """A multi-model endpoint in service.

    ``model_prefix`` is the S3 key prefix, ending in a slash, that a TargetModel is appended to.
    ``containers`` are the host names of the pipeline's containers in order, the multi-model one
    being ``multi_model_container``. ``metrics_period`` is how often metrics are published, in
    seconds; ``simulated_metrics`` are names of CloudWatch metrics; ``created`` is when the endpoint
    was made, in seconds since the epoch.
    """

    name: str
    arn: str
    variant: str
    instance_type: str
    instance_count: int
    bucket: str
    model_prefix: str
    containers: tuple[str, ...]
    multi_model_container: str
    metrics_period: int = STANDARD_PERIOD
    simulated_metrics: frozenset[str] = frozenset()
    created: float = 0.0

    @property
    def hardware(self) -> str:
        """Instances as a title shows them, such as ``1 × ml.m4.xlarge``."""
        return f"{self.instance_count} × {self.instance_type}"


def describe_endpoint(session: boto3.Session, name: str) -> WatchedEndpoint:
    """Describe a multi-model endpoint.

    Raises
    ------
    EndpointError
    """
    sagemaker = session.client("sagemaker")
    try:
        endpoint = sagemaker.describe_endpoint(EndpointName=name)
        if endpoint["EndpointStatus"] not in ("InService", "Updating"):
            raise EndpointError(
                f"endpoint {name} is {endpoint['EndpointStatus']}; it has to be InService"
            )
        config = sagemaker.describe_endpoint_config(
            EndpointConfigName=endpoint["EndpointConfigName"]
        )
        variant = config["ProductionVariants"][0]
        model = sagemaker.describe_model(ModelName=variant["ModelName"])
        tags = sagemaker.list_tags(ResourceArn=endpoint["EndpointArn"])["Tags"]
    except ClientError as error:
        raise EndpointError(f"endpoint {name}: {error}") from error

    containers = model.get("Containers") or [model["PrimaryContainer"]]
    host_names = [
        container.get("ContainerHostname", f"container-{number}")
        for number, container in enumerate(containers, 1)
    ]
    multi_model = [i for i, c in enumerate(containers) if c.get("Mode") == "MultiModel"]
    if not multi_model:
        raise EndpointError(
            f"endpoint {name} has no container in MultiModel mode, so no model cache to watch"
        )
    location = urlsplit(containers[multi_model[0]]["ModelDataUrl"])
    prefix = location.path.lstrip("/")
    tag_values = {tag["Key"]: tag["Value"] for tag in tags}
    return WatchedEndpoint(
        name=name,
        arn=endpoint["EndpointArn"],
        variant=variant["VariantName"],
        instance_type=variant.get("InstanceType", "serverless"),
        instance_count=endpoint["ProductionVariants"][0].get("CurrentInstanceCount", 1),
        bucket=location.netloc,
        model_prefix=prefix if not prefix or prefix.endswith("/") else f"{prefix}/",
        containers=tuple(host_names),
        multi_model_container=host_names[multi_model[0]],
        metrics_period=_metrics_period(config, tag_values),
        simulated_metrics=frozenset(tag_values.get(SIMULATED_METRICS_TAG, "").split()),
        created=endpoint["CreationTime"].timestamp(),
    )


def _metrics_period(config: "DescribeEndpointConfigOutputTypeDef", tags: Mapping[str, str]) -> int:
    """Seconds between the points of invocation metrics."""
    if METRICS_PERIOD_TAG in tags:
        return int(tags[METRICS_PERIOD_TAG])
    metrics = config.get("MetricsConfig", {})
    if not metrics.get("EnableEnhancedMetrics"):  # then the frequency is that of utilization only
        return STANDARD_PERIOD
    return metrics.get("MetricPublishFrequencyInSeconds", STANDARD_PERIOD)

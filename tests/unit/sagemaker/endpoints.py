"""Endpoints that tests create, change and delete."""

from typing import Any

from tests.unit.hosting.containers import wait_until
from tests.unit.sagemaker.platform import Platform

ARN = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/housing"
IN_PROGRESS = f'Cannot update in-progress endpoint "{ARN}".'
MISSING = f'Could not find endpoint "{ARN}".'


def prepare(platform: Platform) -> None:
    platform.create_model()
    platform.create_config()


def start_creating(platform: Platform) -> None:
    platform.call("CreateEndpoint", EndpointName="housing", EndpointConfigName="config")
    wait_until(lambda: bool(platform.first.loaded))


def update(platform: Platform, config: str = "config-2", **members: Any) -> dict[str, Any]:
    platform.call("UpdateEndpoint", EndpointName="housing", EndpointConfigName=config, **members)
    return platform.settled()


def delete(platform: Platform) -> None:
    platform.call("DeleteEndpoint", EndpointName="housing")
    wait_until(lambda: platform.call("ListEndpoints") == {"Endpoints": []})


def counts(description: dict[str, Any]) -> tuple[int, float]:
    (variant,) = description["ProductionVariants"]
    return variant["CurrentInstanceCount"], variant["CurrentWeight"]


def set_capacity(platform: Platform, **change: Any) -> dict[str, Any]:
    platform.call(
        "UpdateEndpointWeightsAndCapacities",
        EndpointName="housing",
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", **change}],
    )
    return platform.settled()

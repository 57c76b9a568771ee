"""The variants of an endpoint: from config to specification, and their counts and weights."""

from dataclasses import replace
from typing import Any

from localaws.backend import Scope
from localaws.control_plane.models import Models, container_names, containers_of
from localaws.control_plane.resources import Request, validation_exception
from localaws.hosting.endpoint import Capacity
from localaws.hosting.specification import (
    ContainerSpecification,
    EndpointSpecification,
    VariantSpecification,
)


def resolve(
    scope: Scope, endpoint_name: str, config: dict[str, Any], models: Models
) -> EndpointSpecification:
    """What an endpoint config asks for, with its models as they are now."""
    return EndpointSpecification(
        scope=scope,
        name=endpoint_name,
        config_name=config["EndpointConfigName"],
        variants=tuple(
            _variant(variant, models.find(scope, variant["ModelName"]))
            for variant in config["ProductionVariants"]
        ),
    )


def retain_properties(
    specification: EndpointSpecification, record: dict[str, Any], request: Request
) -> EndpointSpecification:
    """RetainAllVariantProperties: counts and weights stay, but for the excluded ones."""
    exclusions = request.get("ExcludeRetainedVariantProperties", [])
    excluded = {exclusion["VariantPropertyType"] for exclusion in exclusions}
    current = {variant["VariantName"]: variant for variant in record["ProductionVariants"]}

    def retained(variant: VariantSpecification) -> VariantSpecification:
        before = current.get(variant.name)
        if before is None:
            return variant
        keeps_count = "DesiredInstanceCount" not in excluded
        keeps_weight = "DesiredWeight" not in excluded
        return replace(
            variant,
            instance_count=before["DesiredInstanceCount"]
            if keeps_count
            else variant.instance_count,
            weight=before["DesiredWeight"] if keeps_weight else variant.weight,
        )

    return replace(specification, variants=tuple(map(retained, specification.variants)))


def capacities_of(record: dict[str, Any], desired: list[dict[str, Any]]) -> dict[str, Capacity]:
    """The capacity of every variant after UpdateEndpointWeightsAndCapacities."""
    capacities = {
        variant["VariantName"]: Capacity(variant["DesiredInstanceCount"], variant["DesiredWeight"])
        for variant in record["ProductionVariants"]
    }
    for change in desired:
        name = change["VariantName"]
        if name not in capacities:
            raise validation_exception(
                f'Could not find variant {name} in endpoint "{record["EndpointArn"]}".'
            )
        current = capacities[name]
        capacities[name] = Capacity(
            change.get("DesiredInstanceCount", current.instance_count),
            change.get("DesiredWeight", current.weight),
        )
        if capacities[name].instance_count < 1:
            raise validation_exception(f"DesiredInstanceCount of variant {name} must be 1 or more.")
    return capacities


def summaries(specification: EndpointSpecification) -> list[dict[str, Any]]:
    """ProductionVariants as DescribeEndpoint shows them."""
    return [
        {
            "VariantName": variant.name,
            "DeployedImages": [
                {"SpecifiedImage": container.image} for container in variant.containers
            ],
            "CurrentWeight": variant.weight,
            "DesiredWeight": variant.weight,
            "CurrentInstanceCount": variant.instance_count,
            "DesiredInstanceCount": variant.instance_count,
        }
        for variant in specification.variants
    ]


def pending_summaries(specification: EndpointSpecification) -> list[dict[str, Any]]:
    """ProductionVariants of a deployment under way: none of its instances counts as current."""
    return [
        {key: value for key, value in summary.items() if not key.startswith("Current")}
        for summary in summaries(specification)
    ]


def _variant(variant: dict[str, Any], model: dict[str, Any]) -> VariantSpecification:
    containers = containers_of(model)
    names = container_names(containers)
    return VariantSpecification(
        name=variant["VariantName"],
        model_name=model["ModelName"],
        execution_role_arn=model.get("ExecutionRoleArn", ""),
        instance_type=variant["InstanceType"],
        instance_count=variant["InitialInstanceCount"],
        weight=variant["InitialVariantWeight"],
        volume_size_gb=variant.get("VolumeSizeInGB"),
        containers=tuple(map(_container, names, containers)),
    )


def _container(name: str, container: dict[str, Any]) -> ContainerSpecification:
    setting = container.get("MultiModelConfig", {}).get("ModelCacheSetting", "Enabled")
    return ContainerSpecification(
        name=name,
        image=container["Image"],
        model_data_url=container.get("ModelDataUrl", ""),
        multi_model=container.get("Mode") == "MultiModel",
        cache_models=setting == "Enabled",
        environment=container.get("Environment", {}),
    )

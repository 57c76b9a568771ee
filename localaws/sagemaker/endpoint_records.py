"""What is kept of each endpoint and of its variants: from config to specification."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from localaws.backend import Scope
from localaws.containers.contract import START_SECONDS
from localaws.hosting.endpoint import Capacity
from localaws.hosting.specification import (
    ContainerSpecification,
    EndpointSpecification,
    VariantSpecification,
)
from localaws.sagemaker.models import Models, container_names, containers_of
from localaws.sagemaker.resources import Request, arn, validation_exception
from localaws.sagemaker.store import ResourceStore

KIND = "endpoint"
IN_PROGRESS = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"})
# What the endpoint serves. With it, it survives the deletion of its config and models, and a
# restart. Names with an underscore are not shown to clients.
DEPLOYED = "_deployed"
PENDING = "PendingDeploymentSummary"

Record = dict[str, Any]


class EndpointRecords:
    """The records of endpoints; a name finds its record in any case."""

    def __init__(self, store: ResourceStore) -> None:
        self._store = store

    def exists(self, scope: Scope, name: str) -> bool:
        """Whether the name is taken."""
        return self._store.get(KIND, scope, name.lower()) is not None

    def find(self, scope: Scope, name: str) -> Record:
        """The endpoint's record.

        Raises
        ------
        AwsError
            When there is none.
        """
        record = self._store.get(KIND, scope, name.lower())
        if record is None:
            raise validation_exception(f'Could not find endpoint "{arn(scope, KIND, name)}".')
        return record

    def find_settled(self, scope: Scope, name: str) -> Record:
        """The record of an endpoint of which no deployment is under way.

        Raises
        ------
        AwsError
        """
        record = self.find(scope, name)
        if record["EndpointStatus"] in IN_PROGRESS:
            raise validation_exception(
                f'Cannot update in-progress endpoint "{record["EndpointArn"]}".'
            )
        return record

    def find_in_service(self, scope: Scope, name: str) -> Record:
        """The record of an endpoint that may be changed.

        Raises
        ------
        AwsError
        """
        record = self.find_settled(scope, name)
        if record["EndpointStatus"] != "InService":
            raise validation_exception(
                f'Cannot update endpoint "{record["EndpointArn"]}" with status '
                f"{record['EndpointStatus']}; delete it and create it anew."
            )
        return record

    def list(self, scope: Scope) -> list[Record]:
        """All records of a scope."""
        return self._store.list(KIND, scope)

    def everywhere(self) -> Iterator[tuple[Scope, Record]]:
        """All records, with their scopes."""
        for scope in self._store.scopes(KIND):
            for record in self._store.list(KIND, scope):
                yield scope, record

    def save(self, scope: Scope, record: Record) -> None:
        """Add or replace a record."""
        self._store.put(KIND, scope, record["EndpointName"].lower(), record)

    def delete(self, scope: Scope, record: Record) -> None:
        """Remove a record."""
        self._store.delete(KIND, scope, record["EndpointName"].lower())


def deployed(record: Record) -> EndpointSpecification:
    """What an endpoint that was in service once serves."""
    return EndpointSpecification.from_json(record[DEPLOYED])


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
    """The capacity of every variant after UpdateEndpointWeightsAndCapacities.

    Raises
    ------
    AwsError
    """
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
        start_seconds=variant.get("ContainerStartupHealthCheckTimeoutInSeconds", START_SECONDS),
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

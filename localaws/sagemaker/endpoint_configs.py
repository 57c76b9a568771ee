"""Endpoint configs: which models run on which instances.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html
"""

from typing import Any

from localaws.backend import Scope
from localaws.hosting.instance_types import UnknownInstanceTypeError, instance_type
from localaws.sagemaker.listing import Listing
from localaws.sagemaker.models import Models, containers_of
from localaws.sagemaker.resources import (
    Request,
    ResourceFamily,
    Response,
    arn,
    now,
    validation_exception,
)
from localaws.sagemaker.store import ResourceStore
from localaws.sagemaker.tags import Tags

KIND = "endpoint-config"
LISTING = Listing(member="EndpointConfigs", name="EndpointConfigName")
UNSUPPORTED_MEMBERS = (
    "DataCaptureConfig",
    "AsyncInferenceConfig",
    "ExplainerConfig",
    "ShadowProductionVariants",
    "ExecutionRoleArn",
    "VpcConfig",
    "EnableNetworkIsolation",
)
UNSUPPORTED_VARIANT_MEMBERS = (
    "ServerlessConfig",
    "InstancePools",
    "AcceleratorType",
    "CoreDumpConfig",
    "EnableSSMAccess",
    "ManagedInstanceScaling",
    "InferenceAmiVersion",
    "CapacityReservationConfig",
)


class EndpointConfigs(ResourceFamily):
    """CreateEndpointConfig, DescribeEndpointConfig, ListEndpointConfigs, DeleteEndpointConfig."""

    def __init__(self, store: ResourceStore, models: Models, tags: Tags) -> None:
        self._store = store
        self._models = models
        self._tags = tags

    def create_endpoint_config(self, scope: Scope, request: Request) -> Response:
        name = request["EndpointConfigName"]
        config_arn = arn(scope, KIND, name)
        _refuse(_without_capture_that_is_off(request), UNSUPPORTED_MEMBERS)
        _check_names(request["ProductionVariants"])
        variants = [self._variant(scope, variant) for variant in request["ProductionVariants"]]
        kept = {key: value for key, value in request.items() if key != "Tags"}
        config = {
            **kept,
            "ProductionVariants": variants,
            "EndpointConfigArn": config_arn,
            "CreationTime": now(),
        }
        if not self._store.add(KIND, scope, name.lower(), config):
            raise validation_exception(
                f'Cannot create already existing endpoint configuration "{config_arn}".'
            )
        self._tags.create(scope, config_arn, request)
        return {"EndpointConfigArn": config_arn}

    def describe_endpoint_config(self, scope: Scope, request: Request) -> Response:
        return self.find(scope, request["EndpointConfigName"])

    def list_endpoint_configs(self, scope: Scope, request: Request) -> Response:
        members = ("EndpointConfigName", "EndpointConfigArn", "CreationTime")
        summaries = [
            {key: config[key] for key in members} for config in self._store.list(KIND, scope)
        ]
        return LISTING.page(summaries, request)

    def delete_endpoint_config(self, scope: Scope, request: Request) -> Response:
        config = self.find(scope, request["EndpointConfigName"])
        self._store.delete(KIND, scope, request["EndpointConfigName"].lower())
        self._tags.forget(scope, config["EndpointConfigArn"])
        return {}

    def find(self, scope: Scope, name: str) -> dict[str, Any]:
        """The endpoint config.

        Raises
        ------
        AwsError
            When there is none.
        """
        config = self._store.get(KIND, scope, name.lower())
        if config is None:
            raise validation_exception(
                f'Could not find endpoint configuration "{arn(scope, KIND, name)}".'
            )
        return config

    def _variant(self, scope: Scope, variant: dict[str, Any]) -> dict[str, Any]:
        _refuse(variant, UNSUPPORTED_VARIANT_MEMBERS)
        for member in ("ModelName", "InstanceType"):
            if member not in variant:
                raise validation_exception(
                    f"Variant {variant['VariantName']} needs {member}: endpoints of inference "
                    "components and serverless endpoints are not available here."
                )
        try:
            kind = instance_type(variant["InstanceType"])
        except UnknownInstanceTypeError as error:
            raise validation_exception(str(error)) from None
        if kind.has_own_storage and "VolumeSizeInGB" in variant:
            raise validation_exception(
                f"Variant {variant['VariantName']}: VolumeSizeInGB is not for {kind.name}, whose"
                " storage is the instance's own NVMe disk."
            )
        model = self._models.find(scope, variant["ModelName"])
        if not containers_of(model):
            raise validation_exception(f"Model {variant['ModelName']} has no container.")
        return {"InitialInstanceCount": 1, "InitialVariantWeight": 1.0, **variant}


def _without_capture_that_is_off(request: Request) -> Request:
    """Data capture that is declared and switched off asks for nothing."""
    if request.get("DataCaptureConfig", {}).get("EnableCapture"):
        return request
    return {member: value for member, value in request.items() if member != "DataCaptureConfig"}


def _check_names(variants: list[dict[str, Any]]) -> None:
    names = [variant["VariantName"] for variant in variants]
    if len(set(names)) < len(names):
        raise validation_exception(f"Variant names must be unique, not {', '.join(names)}.")


def _refuse(members: dict[str, Any], unsupported: tuple[str, ...]) -> None:
    for member in unsupported:
        if members.get(member):
            raise validation_exception(f"{member} is not available here.")

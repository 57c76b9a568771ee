"""Endpoint configs: which models run on which instances.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html
"""

from typing import Any

from localaws.backend import Scope
from localaws.hosting.instance_types import UnknownInstanceTypeError, instance_type
from localaws.sagemaker.immutable_resources import ImmutableResources
from localaws.sagemaker.models import Models, containers_of
from localaws.sagemaker.resources import (
    Request,
    Response,
    validation_exception,
)
from localaws.sagemaker.store import ResourceStore
from localaws.sagemaker.tags import Tags

KIND = "endpoint-config"
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


class EndpointConfigs(ImmutableResources):
    """CreateEndpointConfig, DescribeEndpointConfig, ListEndpointConfigs, DeleteEndpointConfig."""

    kind, prefix, words = KIND, "EndpointConfig", "endpoint configuration"

    def __init__(self, store: ResourceStore, models: Models, tags: Tags) -> None:
        super().__init__(store, tags)
        self._models = models

    def create_endpoint_config(self, scope: Scope, request: Request) -> Response:
        _refuse(_without_capture_that_is_off(request), UNSUPPORTED_MEMBERS)
        _check_names(request["ProductionVariants"])
        _check_weights(request["ProductionVariants"])
        variants = [self._variant(scope, variant) for variant in request["ProductionVariants"]]
        return self._create(scope, request, {"ProductionVariants": variants})

    def describe_endpoint_config(self, scope: Scope, request: Request) -> Response:
        return self._describe(scope, request)

    def list_endpoint_configs(self, scope: Scope, request: Request) -> Response:
        return self._list(scope, request)

    def delete_endpoint_config(self, scope: Scope, request: Request) -> Response:
        return self._delete(scope, request)

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


def _check_weights(variants: list[dict[str, Any]]) -> None:
    if not any(variant.get("InitialVariantWeight", 1.0) for variant in variants):
        raise validation_exception(
            "InitialVariantWeight is 0 for every variant, so that none would get traffic: one at"
            " least must be greater."
        )


def _refuse(members: dict[str, Any], unsupported: tuple[str, ...]) -> None:
    for member in unsupported:
        if members.get(member):
            raise validation_exception(f"{member} is not available here.")

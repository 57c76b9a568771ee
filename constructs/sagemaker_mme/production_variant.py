"""What one production variant of an endpoint runs, and on what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

import aws_cdk as cdk
from aws_cdk import aws_sagemaker as sagemaker

from sagemaker_mme.instance_type import InstanceType
from sagemaker_mme.model import ModelBase
from sagemaker_mme.problems import count_problem, is_token, seconds_problem

DEFAULT_VARIANT = "AllTraffic"
MAX_VARIANTS = 10
MAX_INSTANCES = 1000
MAX_VOLUME_GB = 512
_TIMEOUT_SECONDS = (60, 3600)
_PROVISION_SECONDS = (300, 3600)
_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")


class RoutingStrategy(Enum):
    """How SageMaker chooses an instance among those that could answer a request.

    Requests for a model that is loaded go to the instances that have it either way:
    https://docs.aws.amazon.com/sagemaker/latest/dg/how-multi-model-endpoints-work.html
    """

    LEAST_OUTSTANDING_REQUESTS = "LEAST_OUTSTANDING_REQUESTS"
    """The one with the most capacity left."""
    RANDOM = "RANDOM"
    """Any: what SageMaker does by default."""


class InferenceAmiVersion(Enum):
    """The machine image of GPU instances: which driver and CUDA version they have.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html
    """

    GPU_2 = "al2-ami-sagemaker-inference-gpu-2"
    """Driver 535, CUDA 12.2."""
    GPU_2_1 = "al2-ami-sagemaker-inference-gpu-2-1"
    """As GPU_2, without mounts for CUDA compatibility."""
    GPU_3_1 = "al2-ami-sagemaker-inference-gpu-3-1"
    """Driver 550, CUDA 12.4."""
    GPU_4_1 = "al2023-ami-sagemaker-inference-gpu-4-1"
    """Driver 580, CUDA 13.0."""


@dataclass(frozen=True)
class ManagedInstanceScaling:
    """Bounds between which SageMaker itself changes the number of instances.

    Parameters
    ----------
    min_instance_count
        At least this many. Default: 1.
    max_instance_count
        At most this many.
    """

    max_instance_count: int
    min_instance_count: int = 1


@dataclass(frozen=True, kw_only=True)
class ProductionVariant:
    """A model, the instances that run it, and its share of the requests.

    Parameters
    ----------
    model
        The containers.
    variant_name
        Default: ``AllTraffic``. Updates that move traffic step by step want it unchanged.
    instance_type
        What the containers run on. Default: ``ml.m5.xlarge``.
    initial_instance_count
        How many at first; with scaling, only until the first scaling. Default: 1.
    initial_variant_weight
        Its share of the requests is this, divided by the sum over all variants. Default: 1.
    container_startup_health_check_timeout
        How long containers may take until they pass the health check, 60 to 3600 s. Default:
        SageMaker's.
    model_data_download_timeout
        How long the download of the ordinary containers' artifacts may take, 60 to 3600 s.
        Default: SageMaker's.
    variant_instance_provision_timeout
        How long instances may take to start, 300 to 3600 s. Default: SageMaker's.
    volume_size
        The volume that downloaded models lie on, 1 to 512 GB. Default: SageMaker's. Instances
        with NVMe disks have none.
    routing_strategy
        Default: SageMaker's, which is RANDOM.
    managed_instance_scaling
        Let SageMaker scale the instances. Default: it does not; ``auto_scale_instance_count`` of
        the endpoint is the other way.
    inference_ami_version
        The driver of GPU instances. Default: SageMaker's.
    enable_ssm_access
        Let Systems Manager open shells on the instances. Default: False.
    """

    model: ModelBase
    variant_name: str = DEFAULT_VARIANT
    instance_type: InstanceType = field(default_factory=lambda: InstanceType("ml.m5.xlarge"))
    initial_instance_count: int = 1
    initial_variant_weight: float = 1
    container_startup_health_check_timeout: cdk.Duration | None = None
    model_data_download_timeout: cdk.Duration | None = None
    variant_instance_provision_timeout: cdk.Duration | None = None
    volume_size: cdk.Size | None = None
    routing_strategy: RoutingStrategy | None = None
    managed_instance_scaling: ManagedInstanceScaling | None = None
    inference_ami_version: InferenceAmiVersion | None = None
    enable_ssm_access: bool = False

    def problems(self, *, encrypted: bool) -> Iterator[str]:
        """Why SageMaker would refuse the variant; ``encrypted`` says whether a key is given."""
        kind = self.instance_type
        if not is_token(self.variant_name) and not _NAME.fullmatch(self.variant_name):
            yield f"variant_name '{self.variant_name}' is not up to 63 letters, digits and hyphens"
        yield from kind.problems(self.model.processors)
        yield from count_problem(
            "initial_instance_count", self.initial_instance_count, 1, MAX_INSTANCES
        )
        if not is_token(self.initial_variant_weight) and self.initial_variant_weight < 0:
            yield f"initial_variant_weight is {self.initial_variant_weight}; it cannot be negative"
        if encrypted and kind.has_instance_storage:
            yield (
                f"encryption_key cannot be used with '{kind}': its NVMe storage is encrypted by"
                " the instance itself"
            )
        yield from self._timeout_problems()
        yield from self._volume_problems()
        if self.inference_ami_version and not is_token(kind.name) and not kind.has_gpu:
            yield (
                f"inference_ami_version is for GPUs, and '{kind}' has none:"
                " https://docs.aws.amazon.com/sagemaker/latest/APIReference/"
                "API_ProductionVariant.html"
            )
        if scaling := self.managed_instance_scaling:
            low, high = scaling.min_instance_count, scaling.max_instance_count
            yield from count_problem("min_instance_count", low, 1, MAX_INSTANCES)
            yield from count_problem("max_instance_count", high, low, MAX_INSTANCES)

    def _timeout_problems(self) -> Iterator[str]:
        for prop, bounds in (
            ("container_startup_health_check_timeout", _TIMEOUT_SECONDS),
            ("model_data_download_timeout", _TIMEOUT_SECONDS),
            ("variant_instance_provision_timeout", _PROVISION_SECONDS),
        ):
            yield from seconds_problem(prop, getattr(self, prop), *bounds)

    def _volume_problems(self) -> Iterator[str]:
        if self.volume_size is None or self.volume_size.is_unresolved():
            return
        yield from count_problem(
            "volume_size (in GB)", int(self.volume_size.to_gibibytes()), 1, MAX_VOLUME_GB
        )
        if self.instance_type.has_instance_storage:
            yield (
                f"volume_size cannot be used with '{self.instance_type}', which has NVMe disks:"
                " https://docs.aws.amazon.com/sagemaker/latest/dg/host-instance-storage.html"
            )

    def render(self) -> sagemaker.CfnEndpointConfig.ProductionVariantProperty:
        """The variant as CloudFormation has it."""
        return sagemaker.CfnEndpointConfig.ProductionVariantProperty(
            variant_name=self.variant_name,
            model_name=self.model.model_name,
            instance_type=self.instance_type.name,
            initial_instance_count=self.initial_instance_count,
            initial_variant_weight=self.initial_variant_weight,
            container_startup_health_check_timeout_in_seconds=_seconds(
                self.container_startup_health_check_timeout
            ),
            model_data_download_timeout_in_seconds=_seconds(self.model_data_download_timeout),
            variant_instance_provision_timeout_in_seconds=_seconds(
                self.variant_instance_provision_timeout
            ),
            volume_size_in_gb=self.volume_size.to_gibibytes() if self.volume_size else None,
            routing_config=(
                sagemaker.CfnEndpointConfig.RoutingConfigProperty(
                    routing_strategy=self.routing_strategy.value
                )
                if self.routing_strategy
                else None
            ),
            managed_instance_scaling=(
                sagemaker.CfnEndpointConfig.ManagedInstanceScalingProperty(
                    status="ENABLED",
                    min_instance_count=self.managed_instance_scaling.min_instance_count,
                    max_instance_count=self.managed_instance_scaling.max_instance_count,
                )
                if self.managed_instance_scaling
                else None
            ),
            inference_ami_version=(
                self.inference_ami_version.value if self.inference_ami_version else None
            ),
            enable_ssm_access=self.enable_ssm_access or None,
        )


def variant_problems(variants: Sequence[ProductionVariant], *, encrypted: bool) -> Iterator[str]:
    """Why the variants do not make an endpoint together."""
    yield from count_problem("number of production_variants", len(variants), 1, MAX_VARIANTS)
    names = [variant.variant_name for variant in variants]
    if len(set(names)) < len(names):
        yield f"production_variants are named {names}; two of them share a name"
    weights = [variant.initial_variant_weight for variant in variants]
    if variants and not any(map(is_token, weights)) and not sum(weights) > 0:
        yield "no production variant has a weight above 0, so that none would get a request"
    for variant in variants:
        where = f"variant '{variant.variant_name}': " if len(variants) > 1 else ""
        for problem in variant.problems(encrypted=encrypted):
            yield f"{where}{problem}"


def _seconds(duration: cdk.Duration | None) -> int | None:
    return None if duration is None else int(duration.to_seconds())

"""Where invocations go: an endpoint's variants, and their instances."""

import random
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

from localaws.hosting.instance_types import InstanceType
from localaws.hosting.invocation import InvocationRequest, validation_error
from localaws.hosting.metrics import VariantMetrics
from localaws.hosting.multi_model import MultiModelServer
from localaws.hosting.pipeline import Pipeline
from localaws.hosting.specification import EndpointSpecification, VariantSpecification
from localaws.hosting.stage import Answer


@dataclass
class Instance:
    """A pipeline of containers, and the models that they hold.

    Attributes
    ----------
    directory
        Holds the model files.
    models
        Those of the MultiModel container, if there is one.
    in_flight
        The number of requests inside.
    retired
        Takes no new request.
    busy_seconds
        How long the containers have worked.
    """

    id: str
    type: InstanceType
    directory: Path
    pipeline: Pipeline
    models: MultiModelServer | None
    in_flight: int = 0
    retired: bool = False
    busy_seconds: float = 0.0

    def enter(self) -> bool:
        """Count a request in; False when the instance is going away.

        Counting comes before looking, and ``drain`` looks after marking: so a request is either
        waited for or turned away.
        """
        self.in_flight += 1
        if self.retired:
            self.in_flight -= 1
            return False
        return True

    def leave(self) -> None:
        """Count a request out."""
        self.in_flight -= 1

    async def invoke(self, request: InvocationRequest) -> Answer:
        """Run the request through the pipeline."""
        answer = await self.pipeline.invoke(request)
        self.busy_seconds += answer.seconds
        return answer

    def drain(self, timeout_seconds: float) -> None:
        """Turn new requests away, wait for those inside, stop the containers."""
        self.retired = True
        deadline = time.monotonic() + timeout_seconds
        while self._is_busy() and time.monotonic() < deadline:
            time.sleep(0.005)
        self.pipeline.close()

    def delete_files(self) -> None:
        """Take the models off the disk."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def _is_busy(self) -> bool:
        return self.in_flight > 0 or (self.models is not None and self.models.is_loading)


SPILL_REQUESTS = 4
"""Requests inside the instances of a model from which on a further instance loads it too."""


@dataclass(frozen=True)
class HostedVariant:
    """A variant and its running instances."""

    specification: VariantSpecification
    metrics: VariantMetrics
    instances: Sequence[Instance]

    @property
    def is_multi_model(self) -> bool:
        """Whether requests must name a target model."""
        return self.instances[0].models is not None

    def route(self, target_model: str) -> Instance:
        """The instance for a request.

        A model stays with the instance that has it loaded, unless that one is busy and another is
        not: "SageMaker AI routes requests to a model on the same instance; when it receives many
        invocation requests it routes some to another instance"
        (https://docs.aws.amazon.com/sagemaker/latest/dg/multi-model-endpoints.html). How busy is
        this project's choice.
        """
        if len(self.instances) == 1:
            return self.instances[0]
        calmest = min(self.instances, key=_load)
        holders = [i for i in self.instances if i.models is not None and target_model in i.models]
        if not holders:
            return calmest
        holder = min(holders, key=_load)
        spills = holder.in_flight >= SPILL_REQUESTS and calmest.in_flight < holder.in_flight
        return calmest if spills else holder


def _load(instance: Instance) -> tuple[int, int]:
    loaded = instance.models.loaded_count if instance.models is not None else 0
    return instance.in_flight, loaded


@dataclass(frozen=True)
class Capacity:
    """What UpdateEndpointWeightsAndCapacities may change of a variant."""

    instance_count: int
    weight: float


class HostedEndpoint:
    """The variants of one endpoint, and what it was deployed from."""

    def __init__(
        self, specification: EndpointSpecification, variants: Sequence[HostedVariant]
    ) -> None:
        self.specification = specification
        self.variants = variants
        self._by_name = {variant.specification.name: variant for variant in variants}
        self._weights = list(accumulate(variant.specification.weight for variant in variants))

    def variant(self, target_variant: str) -> HostedVariant:
        """The variant that a request names, else one drawn by weight.

        Raises
        ------
        AwsError
        """
        if target_variant:
            try:
                return self._by_name[target_variant]
            except KeyError:
                raise validation_error(
                    f"Variant {target_variant} not found for Endpoint {self.specification.name}."
                ) from None
        if len(self.variants) == 1 or not self._weights[-1]:
            return self.variants[0]
        return random.choices(self.variants, cum_weights=self._weights)[0]

    @property
    def instances(self) -> list[Instance]:
        """All running instances."""
        return [instance for variant in self.variants for instance in variant.instances]

    def kept_by(self, specification: EndpointSpecification) -> dict[str, list[Instance]]:
        """By variant, the instances that go on when only counts and weights change."""
        counts = {variant.name: variant.instance_count for variant in specification.variants}
        return {
            name: list(variant.instances[: counts[name]]) for name, variant in self._by_name.items()
        }


def with_capacities(
    specification: EndpointSpecification, capacities: Mapping[str, Capacity]
) -> EndpointSpecification:
    """The specification with other counts and weights."""
    variants = tuple(
        replace(
            variant,
            instance_count=capacities[variant.name].instance_count,
            weight=capacities[variant.name].weight,
        )
        for variant in specification.variants
    )
    return replace(specification, variants=variants)

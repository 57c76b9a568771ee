"""A production variant in service: chooses the instance for each request."""

from collections.abc import Sequence
from dataclasses import dataclass

from localaws.hosting.instance import Instance
from localaws.hosting.specification import VariantSpecification
from localaws.hosting.variant_metrics import VariantMetrics

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

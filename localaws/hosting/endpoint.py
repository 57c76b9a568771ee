"""An endpoint in service: its variants and their instances."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from localaws.hosting.errors import validation_error
from localaws.hosting.instance import Instance
from localaws.hosting.specification import EndpointSpecification
from localaws.hosting.variant import HostedVariant


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
        """The variant that a request names, else one drawn by weight."""
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

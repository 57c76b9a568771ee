"""What SageMaker would refuse of an endpoint as a whole."""

import re
from collections.abc import Collection, Iterator, Sequence

from sagemaker_mme.deployment_policy import DeploymentPolicy
from sagemaker_mme.problems import is_token
from sagemaker_mme.production_variant import ProductionVariant

_NAME = re.compile(r"[a-z0-9](-*[a-z0-9]){0,62}")
_SHADOW_PAGE = "https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests-exclusions.html"


def name_problems(name: str) -> Iterator[str]:
    """Why an endpoint cannot have a name."""
    if not is_token(name) and not _NAME.fullmatch(name):
        yield (
            f"endpoint_name '{name}' is not up to 63 lower-case letters, digits and inner hyphens;"
            " ARNs have endpoint names in lower case, so other names make policies that never match"
        )


def shape_problems(
    of_one: Collection[str], variants: Sequence[ProductionVariant] | None
) -> Iterator[str]:
    """Why the props do not say what the endpoint runs."""
    if variants is None and "model" not in of_one:
        yield "neither model nor production_variants is given"
    if variants is not None and of_one:
        yield f"{', '.join(of_one)} belong into production_variants, which are given too"


def deployment_problems(
    policy: DeploymentPolicy | None, variants: Sequence[ProductionVariant]
) -> Iterator[str]:
    """Why the variants cannot be updated as a policy says."""
    if policy is None or not variants:
        return
    counts = [variant.initial_instance_count for variant in variants]
    if not any(map(is_token, counts)):
        yield from policy.problems(min(counts), len(variants))


def shadow_problems(variants: Sequence[ProductionVariant]) -> Iterator[str]:
    """Why there are no shadow variants."""
    if variants:
        yield (
            "shadow_production_variants are not for multi-model endpoints, which SageMaker refuses"
            f" in shadow tests: {_SHADOW_PAGE}"
        )

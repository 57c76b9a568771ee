"""What CreateModel refuses of a model's containers.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html
"""

import re
from collections.abc import Iterator, Sequence
from enum import Enum
from itertools import chain

from sagemaker_mme.container import MultiModelContainer, PipelineContainer
from sagemaker_mme.instance_type import PAGE
from sagemaker_mme.prefixes import prefix_problems
from sagemaker_mme.problems import is_token

MAX_CONTAINERS = 15
MAX_ENVIRONMENT_ENTRIES = 100
MAX_ENVIRONMENT_BYTES = 1024
MAX_PIPELINE_ENVIRONMENT_BYTES = 32 * 1024
_HOSTNAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")


class InferenceExecutionMode(Enum):
    """How several containers share the requests."""

    SERIAL = "Serial"
    """As a pipeline: each handles what the one before it answered."""
    DIRECT = "Direct"
    """Each by itself: a request names one in ``TargetContainerHostname``."""


def direct_problems(
    containers: Sequence[PipelineContainer], mode: InferenceExecutionMode
) -> Iterator[str]:
    """What direct invocation needs of the containers.

    https://docs.aws.amazon.com/sagemaker/latest/dg/multi-container-create.html
    """
    if mode is not InferenceExecutionMode.DIRECT:
        return
    page = "https://docs.aws.amazon.com/sagemaker/latest/dg/multi-container-create.html"
    if len(containers) < 2:
        yield f"inference_execution_mode DIRECT is for two containers and more: {page}"
    if not all(container.name for container in containers):
        yield f"inference_execution_mode DIRECT wants a name for every container: {page}"


def pipeline_problems(containers: Sequence[PipelineContainer]) -> Iterator[str]:
    """Why the containers do not make a multi-model endpoint."""
    if not 1 <= len(containers) <= MAX_CONTAINERS:
        yield f"containers has {len(containers)} entries; allowed: 1 to {MAX_CONTAINERS}"
    many = sum(isinstance(container, MultiModelContainer) for container in containers)
    if many != 1:
        yield (
            f"containers has {many} MultiModelContainers; a multi-model endpoint needs exactly one"
        )
    names = [container.name for container in containers]
    if any(names) and not all(names):
        yield f"containers are named {names}; SageMaker wants names for all of them or for none"
    if len(set(filter(None, names))) < len(list(filter(None, names))):
        yield f"containers are named {names}; two of them share a name"
    size = sum(
        len(f"{key}{value}".encode())
        for container in containers
        for key, value in container.environment.items()
    )
    if size > MAX_PIPELINE_ENVIRONMENT_BYTES:
        yield (
            f"the environments of all containers take {size} bytes;"
            f" allowed: {MAX_PIPELINE_ENVIRONMENT_BYTES}"
        )
    yield from chain.from_iterable(
        _container_problems(f"containers[{index}]", container)
        for index, container in enumerate(containers)
    )


def _container_problems(where: str, container: PipelineContainer) -> Iterator[str]:
    name = container.name
    if name is not None and not is_token(name) and not _HOSTNAME.fullmatch(name):
        yield f"{where}.name '{name}' is not a host name of letters, digits and inner hyphens"
    if container.model_data is not None:
        for problem in prefix_problems([container.model_data.prefix]):
            yield f"{where}: {problem}"
    if isinstance(container, MultiModelContainer) and not container.image.serves_many_models:
        yield f"{where}.image does not serve many models: {PAGE}"
    if len(container.environment) > MAX_ENVIRONMENT_ENTRIES:
        yield (
            f"{where}.environment has {len(container.environment)} entries;"
            f" allowed: {MAX_ENVIRONMENT_ENTRIES}"
        )
    for key, value in container.environment.items():
        if not is_token(value) and len(value.encode()) > MAX_ENVIRONMENT_BYTES:
            yield f"{where}.environment['{key}'] is longer than {MAX_ENVIRONMENT_BYTES} bytes"

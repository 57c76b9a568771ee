"""The ML instance types of real-time endpoints, and which of them suit which images."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from sagemaker_mme.images import Processor
from sagemaker_mme.problems import is_token

_SIZES: dict[str, str] = {
    # x86, general purpose
    "t2": "medium large xlarge 2xlarge",
    "m4": "xlarge 2xlarge 4xlarge 10xlarge 16xlarge",
    "m5": "large xlarge 2xlarge 4xlarge 12xlarge 24xlarge",
    "m5d": "large xlarge 2xlarge 4xlarge 12xlarge 24xlarge",
    "m6i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge",
    "m7i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
    # x86, compute
    "c4": "large xlarge 2xlarge 4xlarge 8xlarge",
    "c5": "large xlarge 2xlarge 4xlarge 9xlarge 18xlarge",
    "c5d": "large xlarge 2xlarge 4xlarge 9xlarge 18xlarge",
    "c6i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge",
    "c6in": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge",
    "c7i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
    # x86, memory
    "r5": "large xlarge 2xlarge 4xlarge 12xlarge 24xlarge",
    "r5d": "large xlarge 2xlarge 4xlarge 12xlarge 24xlarge",
    "r6i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge",
    "r7i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
    # Graviton
    "c6g": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
    "c6gd": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
    "c6gn": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
    "c7g": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
    "c8g": "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
    "m6g": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
    "m6gd": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
    "m8g": "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
    "r6g": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
    "r6gd": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
    "r7gd": "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
    "r8g": "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
    # GPUs and accelerators
    "dl1": "24xlarge",
    "g4dn": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
    "g5": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
    "g6": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
    "g6e": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
    "g7": "2xlarge 4xlarge 8xlarge 12xlarge 24xlarge 48xlarge",
    "g7e": "2xlarge 4xlarge 8xlarge 12xlarge 24xlarge 48xlarge",
    "inf1": "xlarge 2xlarge 6xlarge 24xlarge",
    "inf2": "xlarge 8xlarge 24xlarge 48xlarge",
    "p2": "xlarge 8xlarge 16xlarge",
    "p3": "2xlarge 8xlarge 16xlarge",
    "p4d": "24xlarge",
    "p4de": "24xlarge",
    "p5": "4xlarge 48xlarge",
    "p5e": "48xlarge",
    "p5en": "48xlarge",
    "p6-b200": "48xlarge",
    "p6-b300": "48xlarge",
    "p6e-gb200": "36xlarge",
    "trn1": "2xlarge 32xlarge",
    "trn1n": "32xlarge",
    "trn2": "48xlarge",
}

INSTANCE_TYPES: frozenset[str] = frozenset(
    f"ml.{family}.{size}" for family, sizes in _SIZES.items() for size in sizes.split()
)
"""``ProductionVariantInstanceType`` of the SageMaker API, as botocore 1.43.106 lists it."""

_ACCELERATED = ("dl", "g", "inf", "p", "trn")
_BURSTABLE = ("t",)
_GRAVITON = re.compile(r"[a-z]\d+g[a-z]*")
_WITH_NVME = frozenset(
    [
        "m5d",
        "c5d",
        "r5d",
        "m6gd",
        "c6gd",
        "r6gd",
        "r7gd",
        "g4dn",
        "g5",
        "g6",
        "g6e",
        "p4d",
        "p4de",
        "p5",
        "p5e",
        "p5en",
        "dl1",
        "trn1",
        "trn1n",
    ]
)
"""https://docs.aws.amazon.com/sagemaker/latest/dg/host-instance-storage.html"""

PAGE = "https://docs.aws.amazon.com/sagemaker/latest/dg/multi-model-support.html"
MULTI_MODEL_GPU_TYPES: frozenset[str] = frozenset(
    f"ml.{family}.{size}"
    for family, sizes in {
        "p2": "xlarge",
        "p3": "2xlarge",
        "g4dn": "xlarge 2xlarge 4xlarge 8xlarge 16xlarge",
        "g5": "xlarge 2xlarge 4xlarge 8xlarge 16xlarge",
    }.items()
    for size in sizes.split()
)
"""The GPU types that multi-model endpoints run on, each with one GPU; source: PAGE."""


@dataclass(frozen=True)
class InstanceType:
    """An ML instance type such as ``ml.m5.xlarge``.

    Models share an instance's memory, so memory decides how many of them stay loaded: prefer the m
    and r families. https://docs.aws.amazon.com/sagemaker/latest/dg/multi-model-endpoint-instance.html

    Parameters
    ----------
    name
        The name, ``ml.`` included.
    checked
        Refuse names and combinations that AWS does not list; False for types that are newer than
        this library. Default: True.
    """

    name: str
    checked: bool = True

    def __str__(self) -> str:
        return self.name

    @property
    def family(self) -> str:
        """``m5`` of ``ml.m5.xlarge``; empty for a token or a name that has no family."""
        _, _, rest = self.name.partition(".")
        return rest.partition(".")[0]

    @property
    def burstable(self) -> bool:
        """True for families whose CPU runs on credits; they cannot scale automatically."""
        return self.family.startswith(_BURSTABLE)

    @property
    def has_instance_storage(self) -> bool:
        """True for families with NVMe disks, which encrypt themselves and take no volume."""
        return self.family in _WITH_NVME

    @property
    def has_gpu(self) -> bool:
        """True for NVIDIA's GPUs."""
        return self.family.startswith(("g", "p"))

    def problems(self, processors: Collection[Processor]) -> Iterator[str]:
        """Why containers for these processors cannot run on it, if so.

        Parameters
        ----------
        processors
            Those of the images; none where the images are not known.
        """
        if is_token(self.name) or not self.checked:
            return
        if self.name not in INSTANCE_TYPES:
            yield f"instance_type '{self.name}' is unknown{_suggestion(self.name)}"
        elif self.has_gpu:
            yield from self._gpu_problems(processors)
        elif self.family.startswith(_ACCELERATED):
            yield (
                f"instance_type '{self.name}' has an accelerator that multi-model endpoints do not"
                f" use: {PAGE}"
            )
        elif Processor.GPU in processors:
            yield f"instance_type '{self.name}' has no GPU, and an image is built for one"
        elif _GRAVITON.fullmatch(self.family):
            if processors and set(processors) != {Processor.GRAVITON}:
                yield (
                    f"instance_type '{self.name}' has a Graviton processor, and an image is built"
                    " for x86; pass processor=Processor.GRAVITON where there is such an image"
                )
        elif Processor.GRAVITON in processors:
            yield f"instance_type '{self.name}' has an x86 processor, and an image is for Graviton"

    def _gpu_problems(self, processors: Collection[Processor]) -> Iterator[str]:
        if processors and Processor.GPU not in processors:
            yield f"instance_type '{self.name}' has a GPU; these containers use CPUs only"
        elif Processor.GRAVITON in processors:
            yield f"instance_type '{self.name}' has an x86 processor, and an image is for Graviton"
        elif self.name not in MULTI_MODEL_GPU_TYPES:
            yield (
                f"instance_type '{self.name}' is none of the types with one GPU that multi-model"
                f" endpoints run on ({', '.join(sorted(MULTI_MODEL_GPU_TYPES))}): {PAGE}"
            )


def _suggestion(name: str) -> str:
    near = get_close_matches(name, sorted(INSTANCE_TYPES), n=1)
    return f"; did you mean '{near[0]}'?" if near else "; a known one is 'ml.m5.xlarge'"

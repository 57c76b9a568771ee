"""Sizes of the instance types that endpoints run on here.

Memory and NVMe storage of the EC2 types of the same name: https://aws.amazon.com/ec2/instance-types/.
Only CPU types with the x86 architecture are listed: the images that run here exist for no other.
"""

import re
from dataclasses import dataclass

GIBIBYTE = 1024**3
GIGABYTE = 1000**3

# SageMaker does not publish the volume's default size in text form; VolumeSizeInGB sets it.
DEFAULT_VOLUME_GB = 30

MEMORY_GIB_PER_VCPU = {
    **dict.fromkeys(("m4", "m5", "m5d", "m6i", "m7i"), 4.0),
    **dict.fromkeys(("c5", "c5d", "c6i", "c6in", "c7i"), 2.0),
    **dict.fromkeys(("r5", "r5d", "r6i", "r7i"), 8.0),
}
NVME_GB_PER_VCPU = {"m5d": 37.5, "r5d": 37.5, "c5d": 25.0}
# The families below do not grow in proportion: (vCPUs, memory in GiB).
IRREGULAR = {
    "t2.medium": (2, 4.0),
    "t2.large": (2, 8.0),
    "t2.xlarge": (4, 16.0),
    "t2.2xlarge": (8, 32.0),
    "c4.large": (2, 3.75),
    "c4.xlarge": (4, 7.5),
    "c4.2xlarge": (8, 15.0),
    "c4.4xlarge": (16, 30.0),
    "c4.8xlarge": (36, 60.0),
}
NAME = re.compile(r"ml\.(?P<family>\w+)\.(?P<size>large|(?P<multiple>\d*)xlarge|\w+)")


class UnknownInstanceTypeError(LookupError):
    """The instance type is not simulated here."""


@dataclass(frozen=True)
class InstanceType:
    """What an instance offers; ``storage_bytes`` holds the unpacked models.

    ``has_own_storage``: those bytes are NVMe disks, not a volume whose size can be asked for.
    """

    name: str
    vcpus: int
    memory_bytes: int
    storage_bytes: int
    has_own_storage: bool = False


def instance_type(name: str, volume_size_gb: int | None = None) -> InstanceType:
    """The instance type of a name such as ``ml.m5.xlarge``.

    Types with NVMe storage use that and no volume, as
    https://docs.aws.amazon.com/sagemaker/latest/dg/host-instance-storage.html says.

    Raises
    ------
    UnknownInstanceTypeError
    """
    match = NAME.fullmatch(name)
    if match is None:
        raise UnknownInstanceTypeError(_unknown(name))
    family, size = match["family"], match["size"]
    if (irregular := IRREGULAR.get(f"{family}.{size}")) is not None:
        vcpus, memory_gib = irregular
    elif family in MEMORY_GIB_PER_VCPU and (size == "large" or match["multiple"] is not None):
        vcpus = 2 if size == "large" else 4 * int(match["multiple"] or 1)
        memory_gib = vcpus * MEMORY_GIB_PER_VCPU[family]
    else:
        raise UnknownInstanceTypeError(_unknown(name))
    nvme_gb = NVME_GB_PER_VCPU.get(family, 0.0) * vcpus
    storage_gb = nvme_gb or volume_size_gb or DEFAULT_VOLUME_GB
    return InstanceType(
        name, vcpus, int(memory_gib * GIBIBYTE), int(storage_gb * GIGABYTE), nvme_gb > 0
    )


def _unknown(name: str) -> str:
    families = ", ".join(sorted({*MEMORY_GIB_PER_VCPU, *(key.split(".")[0] for key in IRREGULAR)}))
    return f"Instance type {name} is not available here; available are the families {families}."

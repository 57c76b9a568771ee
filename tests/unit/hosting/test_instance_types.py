import pytest

from localaws.hosting.instance_types import GIGABYTE, UnknownInstanceTypeError, instance_type

GIB = 1024**3


@pytest.mark.parametrize(
    ("name", "vcpus", "memory_gib"),
    [
        ("ml.t2.medium", 2, 4),
        ("ml.m4.xlarge", 4, 16),
        ("ml.m4.10xlarge", 40, 160),
        ("ml.m5.large", 2, 8),
        ("ml.m5.24xlarge", 96, 384),
        ("ml.c4.xlarge", 4, 7.5),
        ("ml.c5.9xlarge", 36, 72),
        ("ml.r5.2xlarge", 8, 64),
        ("ml.m7i.48xlarge", 192, 768),
    ],
)
def test_vcpus_and_memory_are_those_of_the_ec2_type(
    name: str, vcpus: int, memory_gib: float
) -> None:
    found = instance_type(name)
    assert (found.vcpus, found.memory_bytes / GIB) == (vcpus, memory_gib)


@pytest.mark.parametrize(
    ("name", "gigabytes"),
    [("ml.m5d.large", 75), ("ml.c5d.xlarge", 100), ("ml.r5d.4xlarge", 600)],
)
def test_d_types_keep_models_on_their_nvme_disks(name: str, gigabytes: float) -> None:
    assert instance_type(name, volume_size_gb=5).storage_bytes == gigabytes * GIGABYTE


def test_other_types_keep_models_on_the_volume() -> None:
    assert instance_type("ml.m5.large", volume_size_gb=5).storage_bytes == 5 * GIGABYTE


@pytest.mark.parametrize(
    "name", ["ml.g5.xlarge", "ml.m6g.large", "m5.large", "ml.m5.metal", "ml.m5", "ml.t2.micro"]
)
def test_types_that_the_images_do_not_run_on_are_refused_by_name(name: str) -> None:
    with pytest.raises(UnknownInstanceTypeError, match=name):
        instance_type(name)

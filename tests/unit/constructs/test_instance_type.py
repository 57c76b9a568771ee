"""Which instance types can run which images."""

import boto3
import pytest

from sagemaker_mme import InstanceType, Processor
from sagemaker_mme.instance_type import INSTANCE_TYPES, MULTI_MODEL_GPU_TYPES

X86 = {Processor.CPU}


def test_the_known_types_are_those_of_the_sagemaker_api() -> None:
    model = boto3.client("sagemaker", region_name="us-east-1").meta.service_model
    shape = model.shape_for("ProductionVariantInstanceType")
    assert set(shape.metadata["enum"]) == INSTANCE_TYPES


@pytest.mark.parametrize(
    "name",
    [
        "ml.m4.xlarge",
        "ml.m5.xlarge",
        "ml.m5d.large",
        "ml.c6i.32xlarge",
        "ml.r7i.large",
        "ml.t2.medium",
    ],
)
def test_x86_processors_are_fine(name: str) -> None:
    assert list(InstanceType(name).problems(X86)) == []


@pytest.mark.parametrize("name", ["ml.g4dn.xlarge", "ml.p3.2xlarge", "ml.p6-b200.48xlarge"])
def test_a_gpu_is_refused_for_images_that_use_none(name: str) -> None:
    (problem,) = InstanceType(name).problems(X86)
    assert problem == f"instance_type '{name}' has a GPU; these containers use CPUs only"


@pytest.mark.parametrize("name", ["ml.inf2.xlarge", "ml.trn1.2xlarge", "ml.dl1.24xlarge"])
def test_other_accelerators_are_refused_with_the_page_of_aws(name: str) -> None:
    (problem,) = InstanceType(name).problems({Processor.GPU})
    assert "dg/multi-model-support.html" in problem


@pytest.mark.parametrize("name", sorted(MULTI_MODEL_GPU_TYPES))
def test_a_gpu_image_runs_on_the_types_that_aws_lists(name: str) -> None:
    assert list(InstanceType(name).problems({Processor.GPU})) == []
    assert list(InstanceType(name).problems({Processor.GPU, Processor.CPU})) == []


@pytest.mark.parametrize("name", ["ml.g5.12xlarge", "ml.p3.8xlarge", "ml.g6.xlarge"])
def test_other_gpu_types_are_refused_with_the_page_of_aws(name: str) -> None:
    (problem,) = InstanceType(name).problems({Processor.GPU})
    assert "dg/multi-model-support.html" in problem


def test_a_gpu_image_needs_a_gpu() -> None:
    (problem,) = InstanceType("ml.m5.xlarge").problems({Processor.GPU})
    assert "has no GPU" in problem


def test_a_type_that_is_newer_than_the_library_can_be_asked_for() -> None:
    assert list(InstanceType("ml.g9.xlarge", checked=False).problems({Processor.GPU})) == []


@pytest.mark.parametrize(
    "name", ["ml.m6g.large", "ml.c6gn.xlarge", "ml.r7gd.medium", "ml.c8g.xlarge", "ml.c7g.large"]
)
def test_graviton_runs_images_for_graviton_alone(name: str) -> None:
    (problem,) = InstanceType(name).problems(X86)
    assert "Graviton" in problem
    assert list(InstanceType(name).problems({Processor.GRAVITON})) == []
    (mixed,) = InstanceType(name).problems({Processor.GRAVITON, Processor.CPU})
    assert "Graviton" in mixed


def test_x86_does_not_run_images_for_graviton() -> None:
    (problem,) = InstanceType("ml.m5.large").problems({Processor.GRAVITON})
    assert "x86" in problem


def test_an_unknown_type_is_refused_with_the_nearest_known_name() -> None:
    (problem,) = InstanceType("ml.m5.xlrage").problems(X86)
    assert problem == "instance_type 'ml.m5.xlrage' is unknown; did you mean 'ml.m5.xlarge'?"


def test_nonsense_is_refused_with_an_example() -> None:
    (problem,) = InstanceType("QQQQ").problems(X86)
    assert problem == "instance_type 'QQQQ' is unknown; a known one is 'ml.m5.xlarge'"


def test_a_value_known_at_deploy_time_is_let_through() -> None:
    assert list(InstanceType("${Token[TOKEN.1]}").problems(X86)) == []


@pytest.mark.parametrize(
    ("name", "nvme"),
    [
        ("ml.m5d.large", True),
        ("ml.r5d.large", True),
        ("ml.m5.large", False),
        ("ml.c6in.large", False),
    ],
)
def test_families_with_nvme_storage(name: str, nvme: bool) -> None:
    assert InstanceType(name).has_instance_storage is nvme


def test_t2_is_burstable() -> None:
    assert InstanceType("ml.t2.large").burstable
    assert not InstanceType("ml.m5.large").burstable

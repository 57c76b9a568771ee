"""Which instance types can run these containers."""

import boto3
import pytest

from sagemaker_mme import InstanceType
from sagemaker_mme.instance_type import INSTANCE_TYPES


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
    assert list(InstanceType(name).problems()) == []


@pytest.mark.parametrize(
    "name",
    [
        "ml.g4dn.xlarge",
        "ml.p3.2xlarge",
        "ml.inf2.xlarge",
        "ml.trn1.2xlarge",
        "ml.dl1.24xlarge",
        "ml.p6-b200.48xlarge",
    ],
)
def test_accelerators_are_refused(name: str) -> None:
    (problem,) = InstanceType(name).problems()
    assert problem == f"instance_type '{name}' has an accelerator; these containers use CPUs only"


@pytest.mark.parametrize(
    "name", ["ml.m6g.large", "ml.c6gn.xlarge", "ml.r7gd.medium", "ml.c8g.xlarge", "ml.c7g.large"]
)
def test_graviton_is_refused(name: str) -> None:
    (problem,) = InstanceType(name).problems()
    assert "Graviton" in problem


def test_an_unknown_type_is_refused_with_the_nearest_known_name() -> None:
    (problem,) = InstanceType("ml.m5.xlrage").problems()
    assert problem == "instance_type 'ml.m5.xlrage' is unknown; did you mean 'ml.m5.xlarge'?"


def test_nonsense_is_refused_with_an_example() -> None:
    (problem,) = InstanceType("QQQQ").problems()
    assert problem == "instance_type 'QQQQ' is unknown; a known one is 'ml.m5.xlarge'"


def test_a_value_known_at_deploy_time_is_let_through() -> None:
    assert list(InstanceType("${Token[TOKEN.1]}").problems()) == []


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

"""Images of AWS's containers: their registries, by region."""

import json
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from sagemaker_mme import ContainerImage, InvalidPropsError
from sagemaker_mme.registry import REGISTRY_ACCOUNTS, dns_suffix
from tests.unit.constructs.conftest import new_stack


def sdk_registries(image: str) -> dict[str, str]:
    """The registry accounts that the SageMaker Python SDK knows for an image's newest version."""
    path = f"sagemaker/core/image_uri_config/{image}.json"
    text = Path(str(distribution("sagemaker-core").locate_file(path))).read_text()
    config: dict[str, Any] = json.loads(text)
    versions = config.get("inference", config)["versions"]
    registries: dict[str, str] = list(versions.values())[-1]["registries"]
    return registries


def test_scikit_learn_accounts_are_those_of_the_sagemaker_sdk() -> None:
    ours = {region: accounts.scikit_learn for region, accounts in REGISTRY_ACCOUNTS.items()}
    assert ours == sdk_registries("sklearn")


def test_linear_learner_accounts_are_those_of_the_sagemaker_sdk() -> None:
    ours = {region: accounts.linear_learner for region, accounts in REGISTRY_ACCOUNTS.items()}
    assert ours == sdk_registries("linear-learner")


def test_dns_suffixes_are_those_of_botocore() -> None:
    partitions = json.loads(files("botocore").joinpath("data", "endpoints.json").read_text())
    known = {
        region: partition["dnsSuffix"]
        for partition in partitions["partitions"]
        for region in partition["regions"]
    }
    assert {r: dns_suffix(r) for r in REGISTRY_ACCOUNTS} == {r: known[r] for r in REGISTRY_ACCOUNTS}


@pytest.mark.parametrize(
    ("region", "registry"),
    [
        ("us-east-1", "683313688378.dkr.ecr.us-east-1.amazonaws.com"),
        ("cn-north-1", "450853457545.dkr.ecr.cn-north-1.amazonaws.com.cn"),
        ("us-iso-east-1", "833128469047.dkr.ecr.us-iso-east-1.c2s.ic.gov"),
    ],
)
def test_the_image_of_a_stack_with_a_region_is_plain_text(region: str, registry: str) -> None:
    uri = ContainerImage.scikit_learn().bind(new_stack(region=region)).uri
    assert uri == f"{registry}/sagemaker-scikit-learn:1.9-0-cpu-py3"


def test_the_linear_learner_image() -> None:
    image = ContainerImage.linear_learner().bind(new_stack(region="eu-central-1"))
    assert image.uri == "664544806723.dkr.ecr.eu-central-1.amazonaws.com/linear-learner:1"
    assert image.repository_arn is not None
    assert image.repository_arn.endswith(":ecr:eu-central-1:664544806723:repository/linear-learner")


def test_a_stack_for_any_region_looks_the_account_up_when_it_is_deployed(stack: cdk.Stack) -> None:
    uri = stack.resolve(ContainerImage.linear_learner().bind(stack).uri)
    lookup = {
        "Fn::FindInMap": ["SageMakerRegistryAccounts", {"Ref": "AWS::Region"}, "linearLearner"]
    }
    assert uri["Fn::Join"][1] == [
        lookup, ".dkr.ecr.", {"Ref": "AWS::Region"}, ".", {"Ref": "AWS::URLSuffix"},
        "/linear-learner:1",
    ]  # fmt: skip
    mapping = Template.from_stack(stack).find_mappings("SageMakerRegistryAccounts")
    assert len(mapping["SageMakerRegistryAccounts"]) == 37


def test_two_images_share_one_mapping(stack: cdk.Stack) -> None:
    ContainerImage.linear_learner().bind(stack)
    ContainerImage.scikit_learn().bind(stack)
    assert len(Template.from_stack(stack).find_mappings("*")) == 1


def test_a_region_without_the_image_is_refused_and_the_others_are_named() -> None:
    with pytest.raises(
        InvalidPropsError, match=r"no linear-learner image in mx-central-1.*us-west-2"
    ):
        ContainerImage.linear_learner().bind(new_stack(region="mx-central-1"))


def test_an_image_by_uri_needs_no_permission_of_ours(stack: cdk.Stack) -> None:
    image = ContainerImage.from_uri("example.com/image:1").bind(stack)
    assert (image.uri, image.repository_arn) == ("example.com/image:1", None)

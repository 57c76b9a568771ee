"""Images of AWS's containers: their registries, by region."""

import json
from importlib.resources import files
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecr as ecr
from aws_cdk.assertions import Template

from sagemaker_mme import ContainerImage, InvalidPropsError, Processor
from sagemaker_mme.images import TABLE, dns_suffix
from tests.unit.constructs.conftest import new_stack

ROOT = Path(__file__).parents[3]
IMAGES = json.loads(TABLE.read_text())


def test_dns_suffixes_are_those_of_botocore() -> None:
    partitions = json.loads(files("botocore").joinpath("data", "endpoints.json").read_text())
    known = {
        region: partition["dnsSuffix"]
        for partition in partitions["partitions"]
        for region in partition["regions"]
    }
    regions = {region for accounts in IMAGES["accounts"] for region in accounts} & known.keys()
    assert {region: dns_suffix(region) for region in regions} == {r: known[r] for r in regions}


def test_localaws_knows_the_same_accounts() -> None:
    path = ROOT / "localaws" / "containers" / "registry_accounts.json"
    for repository, accounts in json.loads(path.read_text()).items():
        ours = [
            IMAGES["accounts"][built["accounts"]]
            for versions in IMAGES["images"].values()
            for version in versions.values()
            for built in version.values()
            if built["image"].startswith(f"{repository}:")
        ]
        assert accounts in ours, repository


@pytest.mark.parametrize(
    ("image", "tag"),
    [
        (ContainerImage.scikit_learn(), "sagemaker-scikit-learn:1.9-0-cpu-py3"),
        (ContainerImage.xgboost(), "sagemaker-xgboost:3.2-0"),
        (ContainerImage.knn(), "knn:1"),
        (ContainerImage.random_cut_forest(), "randomcutforest:1"),
        (ContainerImage.triton(), "sagemaker-tritonserver:26.05-py3"),
        (
            ContainerImage.triton(processor=Processor.CPU),
            "sagemaker-tritonserver:26.05-py3-cpu",
        ),
        (ContainerImage.pytorch(), "pytorch-inference:2.6.0-cpu-py312"),
        (
            ContainerImage.pytorch(processor=Processor.GRAVITON),
            "pytorch-inference-arm64:2.6.0-cpu-py312-ubuntu22.04-sagemaker",
        ),
        (ContainerImage.tensorflow(), "tensorflow-inference:2.20.0-cpu-py312"),
        (ContainerImage.mxnet(), "mxnet-inference:1.9.0-cpu-py38"),
        (
            ContainerImage.hugging_face(),
            "huggingface-pytorch-inference:2.6.0-transformers5.5.3-cpu-py312-ubuntu22.04",
        ),
    ],
)
def test_every_kind_of_image_has_its_repository_and_tag(image: ContainerImage, tag: str) -> None:
    assert image.bind(new_stack(region="us-east-1")).uri.partition("/")[2] == tag


def test_a_version_that_aws_does_not_publish_is_refused_with_those_that_it_does() -> None:
    with pytest.raises(InvalidPropsError, match=r"no scikit-learn image of version '9'.*1\.9-0"):
        ContainerImage.scikit_learn("9")


def test_a_processor_without_an_image_is_refused_with_the_versions_that_have_one() -> None:
    with pytest.raises(InvalidPropsError, match=r"'1.9-0' for GRAVITON.*that it does: 1\.0-1"):
        ContainerImage.scikit_learn(processor=Processor.GRAVITON)


def test_only_triton_serves_many_models_on_a_gpu() -> None:
    assert ContainerImage.triton().serves_many_models
    assert not ContainerImage.pytorch(processor=Processor.GPU).serves_many_models
    assert ContainerImage.pytorch().serves_many_models


def test_an_image_of_your_own_may_be_pulled(stack: cdk.Stack) -> None:
    repository = ecr.Repository(stack, "Repository")
    image = ContainerImage.from_ecr_repository(repository, "1").bind(stack)
    assert image.repository_arn == repository.repository_arn
    assert stack.resolve(image.uri) == stack.resolve(repository.repository_uri_for_tag("1"))


def test_an_image_asset_is_built_once_for_its_processor(stack: cdk.Stack, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    image = ContainerImage.from_asset(str(tmp_path), processor=Processor.GRAVITON)
    first, second = image.bind(stack), image.bind(stack)
    assert first == second
    assert first.repository_arn is not None
    assembly = cdk.App.of(stack).synth()  # type: ignore[union-attr]
    manifest = json.loads((Path(assembly.directory) / "Stack.assets.json").read_text())
    (built,) = manifest["dockerImages"].values()
    assert built["source"]["platform"] == "linux/arm64"


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

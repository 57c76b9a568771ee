from typing import Any

import pytest

from localaws.sagemaker.authorizations import Authorization, sagemaker_authorizations
from localaws.testing.memory import ROLE, SCOPE

PREFIX = "arn:aws:sagemaker:us-east-1:123456789012:"
TAGS = {f"{PREFIX}endpoint/tagged": {"City": "Chicago"}}


def authorizations(operation: str, **request: Any) -> list[Authorization]:
    return sagemaker_authorizations(SCOPE, operation, request, lambda arn: TAGS.get(arn, {}))


def needed(operation: str, **request: Any) -> list[tuple[str, str]]:
    found = authorizations(operation, **request)
    return [(authorization.action, authorization.resource_arn) for authorization in found]


@pytest.mark.parametrize(
    ("operation", "request_", "resources"),
    [
        ("DescribeModel", {"ModelName": "Housing"}, ["model/housing"]),
        ("DeleteEndpointConfig", {"EndpointConfigName": "C"}, ["endpoint-config/c"]),
        ("DescribeEndpoint", {"EndpointName": "Housing-Dev"}, ["endpoint/housing-dev"]),
        (
            "CreateEndpoint",
            {"EndpointName": "e", "EndpointConfigName": "c"},
            ["endpoint/e", "endpoint-config/c"],
        ),
        (
            "UpdateEndpoint",
            {"EndpointName": "e", "EndpointConfigName": "c"},
            ["endpoint/e", "endpoint-config/c"],
        ),
        ("UpdateEndpointWeightsAndCapacities", {"EndpointName": "e"}, ["endpoint/e"]),
        ("StopTrainingJob", {"TrainingJobName": "T-1"}, ["training-job/t-1"]),
        (
            "CreateTransformJob",
            {"TransformJobName": "t", "ModelName": "m"},
            ["transform-job/t"],
        ),
        (
            "ListTrainingJobsForHyperParameterTuningJob",
            {"HyperParameterTuningJobName": "T"},
            ["hyper-parameter-tuning-job/t"],
        ),
        ("AddTags", {"ResourceArn": f"{PREFIX}model/m", "Tags": []}, ["model/m"]),
    ],
)
def test_an_operation_needs_its_action_on_what_it_names(
    operation: str, request_: dict[str, Any], resources: list[str]
) -> None:
    assert needed(operation, **request_) == [
        (f"sagemaker:{operation}", PREFIX + resource) for resource in resources
    ]


def test_listing_needs_its_action_on_everything() -> None:
    assert needed("ListEndpoints") == [("sagemaker:ListEndpoints", "*")]


@pytest.mark.parametrize(
    ("operation", "member"), [("CreateModel", "ExecutionRoleArn"), ("CreateTrainingJob", "RoleArn")]
)
def test_naming_a_role_needs_permission_to_pass_it_to_sagemaker(
    operation: str, member: str
) -> None:
    found = authorizations(operation, **{member: ROLE})
    assert found[-1] == Authorization(
        "iam:PassRole", ROLE, {"iam:PassedToService": "sagemaker.amazonaws.com"}
    )


def test_a_tuning_job_passes_the_role_of_its_training_jobs() -> None:
    resources = {"InstanceType": "ml.m5.large"}
    found = authorizations(
        "CreateHyperParameterTuningJob",
        HyperParameterTuningJobName="t",
        TrainingJobDefinition={"RoleArn": ROLE, "ResourceConfig": resources},
    )
    assert [(each.action, each.resource_arn) for each in found] == [
        ("sagemaker:CreateHyperParameterTuningJob", f"{PREFIX}hyper-parameter-tuning-job/t"),
        ("iam:PassRole", ROLE),
    ]
    assert found[0].context == {"sagemaker:InstanceTypes": ("ml.m5.large",)}


def test_creating_with_tags_needs_permission_to_tag() -> None:
    tags = [{"Key": "City", "Value": "Chicago"}]
    found = authorizations("CreateModel", ModelName="m", Tags=tags)
    assert [authorization.action for authorization in found] == [
        "sagemaker:CreateModel",
        "sagemaker:AddTags",
    ]
    assert found[0].context == {"aws:RequestTag/City": "Chicago", "aws:TagKeys": ("City",)}


@pytest.mark.parametrize("request_", [{}, {"ModelName": 5}, {"Tags": "x", "ModelName": ["a"]}])
def test_a_malformed_request_needs_the_action_all_the_same(request_: dict[str, Any]) -> None:
    assert needed("CreateModel", **request_) == [("sagemaker:CreateModel", "*")]


def test_the_tags_of_the_resource_are_in_the_context() -> None:
    (found,) = authorizations("DeleteEndpoint", EndpointName="Tagged")
    assert found.context == {
        "aws:ResourceTag/City": "Chicago",
        "sagemaker:ResourceTag/City": "Chicago",
    }


def test_the_keys_of_tags_to_delete_are_in_the_context() -> None:
    (found,) = authorizations("DeleteTags", ResourceArn=f"{PREFIX}model/m", TagKeys=["City"])
    assert found.context == {"aws:TagKeys": ("City",)}


def test_instance_types_are_in_the_context() -> None:
    variants = [{"InstanceType": "ml.m5.large"}, {"InstanceType": "ml.c5.large"}]
    (found,) = authorizations(
        "CreateEndpointConfig", EndpointConfigName="c", ProductionVariants=variants
    )
    assert found.context == {"sagemaker:InstanceTypes": ("ml.m5.large", "ml.c5.large")}


def test_an_unknown_operation_needs_its_action() -> None:
    assert needed("CreateSpaceship") == [("sagemaker:CreateSpaceship", "*")]

from typing import Any

import pytest

from localaws.testing.memory import BUCKET, ROLE, SCOPE
from tests.unit.sagemaker.platform import PIPELINE, Platform

ARN = "arn:aws:sagemaker:us-east-1:123456789012:model/housing-model"
SINGLE = {"Image": "first", "ModelDataUrl": f"s3://{BUCKET}/preprocessor/model.tar.gz"}
MULTI = {"Image": "second", "Mode": "MultiModel", "ModelDataUrl": f"s3://{BUCKET}/models/"}


def test_a_model_gets_an_arn_in_lower_case(platform: Platform) -> None:
    assert platform.create_model("Housing-Model") == {"ModelArn": ARN}


def test_it_is_described_as_it_was_created(platform: Platform) -> None:
    platform.create_model("Housing-Model", EnableNetworkIsolation=True)
    model = platform.call("DescribeModel", ModelName="Housing-Model")
    assert model.pop("CreationTime") > 0
    assert model == {
        "ModelName": "Housing-Model",
        "ModelArn": ARN,
        "ExecutionRoleArn": ROLE,
        "Containers": PIPELINE,
        "EnableNetworkIsolation": True,
    }


def test_a_name_is_taken_once_in_any_case(platform: Platform) -> None:
    platform.create_model("housing-model")
    error = platform.refusal(
        "CreateModel", ModelName="Housing-Model", ExecutionRoleArn=ROLE, PrimaryContainer=SINGLE
    )
    assert (error.code, error.message) == (
        "ValidationException",
        f'Cannot create already existing model "{ARN}".',
    )


@pytest.mark.parametrize("operation", ["DescribeModel", "DeleteModel"])
def test_a_missing_model_could_not_be_found(platform: Platform, operation: str) -> None:
    error = platform.refusal(operation, ModelName="housing-model")
    assert (error.code, error.message) == (
        "ValidationException",
        f'Could not find model "{ARN}".',
    )


def test_a_deleted_model_is_gone_and_its_name_free(platform: Platform) -> None:
    platform.create_model()
    platform.call("DeleteModel", ModelName="model")
    assert platform.call("ListModels") == {"Models": []}
    platform.create_model()


def test_models_are_listed(platform: Platform) -> None:
    platform.create_model("a")
    platform.create_model("b")
    listed = platform.call("ListModels", SortBy="Name", SortOrder="Ascending")["Models"]
    assert [sorted(model) for model in listed] == [["CreationTime", "ModelArn", "ModelName"]] * 2
    assert [model["ModelName"] for model in listed] == ["a", "b"]


def test_a_multi_model_prefix_may_be_empty_still(platform: Platform) -> None:
    """As in the run of AWS's notebook xgboost_multi_model_endpoint_home_value."""
    empty = MULTI | {"ModelDataUrl": f"s3://{BUCKET}/empty/"}
    platform.call("CreateModel", ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer=empty)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("683313688378.dkr.ecr.us-west-2.amazonaws.com/first:1", "has to be in us-east-1"),
        ("111111111111.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1", "has no such repository"),
        ("382416733822.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3",
         "is 683313688378's"),
    ],
)  # fmt: skip
def test_the_image_is_of_this_region_and_of_an_account_that_has_it(
    platform: Platform, image: str, message: str
) -> None:
    container = SINGLE | {"Image": image}
    error = platform.refusal(
        "CreateModel", ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer=container
    )
    assert message in error.message


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"Tags": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]}, "Duplicate tag keys"),
        ({"Tags": [{"Key": "aws:a", "Value": "1"}]}, "aws: prefixed tag key names"),
        ({"VpcConfig": {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}}, "has no VPC"),
    ],
)
def test_members_that_aws_would_refuse(
    platform: Platform, members: dict[str, Any], message: str
) -> None:
    request = {"ModelName": "m", "ExecutionRoleArn": ROLE, "PrimaryContainer": SINGLE, **members}
    assert message in platform.refusal("CreateModel", **request).message
    assert platform.call("ListModels") == {"Models": []}


def test_a_missing_artifact_is_refused(platform: Platform) -> None:
    missing = SINGLE | {"ModelDataUrl": f"s3://{BUCKET}/nowhere.tar.gz"}
    error = platform.refusal(
        "CreateModel", ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer=missing
    )
    assert error.message == f"Could not find model data at s3://{BUCKET}/nowhere.tar.gz."


@pytest.mark.parametrize(
    ("container", "action"), [(MULTI, "s3:ListBucket"), (SINGLE, "s3:GetObject")]
)
def test_the_role_needs_the_permission_that_sagemaker_uses(
    platform: Platform, container: dict[str, Any], action: str
) -> None:
    platform.backend.s3.denied.add(action)
    error = platform.refusal(
        "CreateModel", ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer=container
    )
    assert error.message.startswith(f"Could not access model data at {container['ModelDataUrl']}.")
    assert f"({'AccessDenied'}: not authorized to perform: {action})" in error.message


@pytest.mark.parametrize(
    ("container", "action"), [(MULTI, "s3:GetObject"), (SINGLE, "s3:ListBucket")]
)
def test_the_role_needs_no_other(
    platform: Platform, container: dict[str, Any], action: str
) -> None:
    platform.backend.s3.denied.add(action)
    platform.call("CreateModel", ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer=container)


def test_a_role_that_sagemaker_may_not_assume_is_refused(platform: Platform) -> None:
    role = "arn:aws:iam::123456789012:role/stranger"
    error = platform.refusal(
        "CreateModel", ModelName="m", ExecutionRoleArn=role, PrimaryContainer=SINGLE
    )
    assert (
        f'ensure that the role "{role}" exists and that its trust relationship policy allows the '
        'action "sts:AssumeRole" for the service principal "sagemaker.amazonaws.com".'
        in error.message
    )


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "Neither PrimaryContainer nor Containers"),
        ({"PrimaryContainer": SINGLE, "Containers": [SINGLE]}, "Both PrimaryContainer and"),
        ({"Containers": [MULTI, MULTI]}, "one container with Mode MultiModel, not 2"),
        (
            {"PrimaryContainer": SINGLE | {"Image": "unknown"}},
            "cannot run the image unknown",
        ),
        ({"PrimaryContainer": {"ModelDataUrl": "s3://b/k"}}, "needs an Image"),
        ({"PrimaryContainer": {"Image": "second", "Mode": "MultiModel"}}, "needs a ModelDataUrl"),
        (
            {"Containers": [SINGLE | {"ContainerHostname": "a"}, MULTI]},
            "for every container of the pipeline or for none",
        ),
        (
            {
                "Containers": [
                    SINGLE | {"ContainerHostname": "a"},
                    MULTI | {"ContainerHostname": "a"},
                ]
            },
            "must be unique",
        ),
        (
            {"PrimaryContainer": SINGLE | {"MultiModelConfig": {"ModelCacheSetting": "Disabled"}}},
            "MultiModelConfig is for a container with Mode MultiModel",
        ),
        (
            {"PrimaryContainer": SINGLE | {"ModelDataUrl": "https://bucket/key"}},
            "not of the form s3://bucket/key",
        ),
        (
            {"PrimaryContainer": {"Image": "first", "ModelPackageName": "package"}},
            "ModelPackageName is not available here",
        ),
        (
            {"Containers": [SINGLE, MULTI], "InferenceExecutionConfig": {"Mode": "Direct"}},
            "Mode Direct is not available here",
        ),
        (
            {
                "PrimaryContainer": SINGLE
                | {"Environment": {f"KEY{number}": "x" * 1000 for number in range(40)}}
            },
            "at most 32768 are allowed",
        ),
    ],
)
def test_what_cannot_be_hosted_is_refused(
    platform: Platform, members: dict[str, Any], message: str
) -> None:
    error = platform.refusal("CreateModel", ModelName="m", ExecutionRoleArn=ROLE, **members)
    assert error.code == "ValidationException"
    assert message in error.message


def test_an_image_without_multi_model_support_is_refused(platform: Platform) -> None:
    platform.second.supports_multi_model = False
    error = platform.refusal(
        "CreateModel", ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer=MULTI
    )
    assert "com.amazonaws.sagemaker.capabilities.multi-models=true" in error.message


def test_a_refused_model_leaves_nothing_behind(platform: Platform) -> None:
    platform.refusal(
        "CreateModel",
        ModelName="m",
        PrimaryContainer={"Image": "unknown"},
        Tags=[{"Key": "a", "Value": "b"}],
    )
    assert platform.call("ListModels") == {"Models": []}
    assert platform.apis.store.list("tags", SCOPE) == []

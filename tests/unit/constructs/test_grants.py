"""Who may invoke which models."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam

from sagemaker_mme import InvalidPropsError, MultiModelEndpoint
from sagemaker_mme.target_model import pattern_problems
from tests.unit.constructs.conftest import statements

Resources = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def role(stack: cdk.Stack) -> iam.Role:
    return iam.Role(stack, "Caller", assumed_by=iam.AccountRootPrincipal())


def invoke_statements(resources: Resources) -> list[dict[str, Any]]:
    return [
        statement
        for statement in statements(resources("AWS::IAM::Policy"))
        if statement["Action"] == "sagemaker:InvokeEndpoint"
    ]


def test_invoke_allows_one_action_on_the_endpoint_for_the_patterns(
    stack: cdk.Stack, endpoint: MultiModelEndpoint, role: iam.Role, resources: Resources
) -> None:
    endpoint.grants.invoke(role, target_models=["NewYork_NY/*", "common/*"])
    assert invoke_statements(resources) == [
        {
            "Action": "sagemaker:InvokeEndpoint",
            "Condition": {"StringLike": {"sagemaker:TargetModel": ["NewYork_NY/*", "common/*"]}},
            "Effect": "Allow",
            "Resource": stack.resolve(endpoint.endpoint_arn),
        }
    ]


def test_invoke_any_still_asks_for_a_target_model(
    endpoint: MultiModelEndpoint, role: iam.Role, resources: Resources
) -> None:
    endpoint.grants.invoke_any(role)
    (statement,) = invoke_statements(resources)
    assert statement["Condition"] == {"StringLike": {"sagemaker:TargetModel": ["*"]}}


def test_grant_invoke_takes_patterns_too(
    endpoint: MultiModelEndpoint, role: iam.Role, resources: Resources
) -> None:
    endpoint.grant_invoke(role, target_models=["NewYork_NY/*"])
    (statement,) = invoke_statements(resources)
    assert statement["Condition"]["StringLike"]["sagemaker:TargetModel"] == ["NewYork_NY/*"]


def test_api_gateway_takes_the_endpoint_and_calls_our_grant_back(
    stack: cdk.Stack, endpoint: MultiModelEndpoint, resources: Resources
) -> None:
    api = apigateway.RestApi(stack, "Api")
    api.root.add_method("POST", apigateway.SagemakerIntegration(endpoint))
    (statement,) = invoke_statements(resources)
    assert statement["Condition"] == {"StringLike": {"sagemaker:TargetModel": ["*"]}}
    assert statement["Resource"] == stack.resolve(endpoint.endpoint_arn)


@pytest.mark.parametrize(
    "pattern",
    [
        "NewYork_NY/*",
        "NewYork_NY/NewYork_NY.tar.gz",
        "NewYork_NY/NewYork_NY-v?.tar.gz",
        "${aws:PrincipalTag/City}/*",
        "folder/sub*/x",
        "x" * 1024,
    ],
)
def test_patterns_below_one_folder_are_fine(pattern: str) -> None:
    assert list(pattern_problems([pattern], allow_wide=False)) == []


@pytest.mark.parametrize("pattern", ["*", "NewYork*", "*/x.tar.gz", "New?ork_NY/*", "${City}*"])
def test_patterns_that_match_more_than_one_folder_need_an_opt_in(pattern: str) -> None:
    (problem,) = pattern_problems([pattern], allow_wide=False)
    assert problem.startswith(f"target model '{pattern}' has a wildcard before its first slash")
    assert list(pattern_problems([pattern], allow_wide=True)) == []


@pytest.mark.parametrize("pattern", ["", "x" * 1025, "a\x00/b", "/NewYork_NY/*", " NewYork_NY/*"])
def test_what_no_target_model_looks_like_is_refused_also_when_wide(pattern: str) -> None:
    assert len(list(pattern_problems([pattern], allow_wide=True))) == 1


def test_no_pattern_is_refused(endpoint: MultiModelEndpoint, role: iam.Role) -> None:
    with pytest.raises(InvalidPropsError, match="target_models is empty"):
        endpoint.grants.invoke(role, target_models=[])


def test_all_bad_patterns_are_told_at_once(endpoint: MultiModelEndpoint, role: iam.Role) -> None:
    with pytest.raises(InvalidPropsError) as error:
        endpoint.grants.invoke(role, target_models=["*", "/x", "Good_GD/*"])
    assert len(str(error.value).splitlines()) == 3

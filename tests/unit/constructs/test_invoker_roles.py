"""Roles that may invoke some target models."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam

from sagemaker_mme import (
    InvalidPropsError,
    MultiModelEndpoint,
    TargetModelInvokerRole,
    TenantInvokerRole,
)
from sagemaker_mme.endpoint_base import MultiModelEndpointBase
from tests.unit.constructs.conftest import statements

Resources = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def endpoint(stack: cdk.Stack) -> MultiModelEndpointBase:
    return MultiModelEndpoint.from_endpoint_name(stack, "Endpoint", "houses")


def by_sid(resources: Resources) -> dict[str, dict[str, Any]]:
    return {s.get("Sid", "allow"): s for s in statements(resources("AWS::IAM::Policy"))}


def trust(resources: Resources) -> list[dict[str, Any]]:
    (role,) = resources("AWS::IAM::Role")
    found: list[dict[str, Any]] = role["AssumeRolePolicyDocument"]["Statement"]
    return found


def test_only_matching_target_models_are_allowed(
    stack: cdk.Stack, endpoint: MultiModelEndpointBase, resources: Resources
) -> None:
    TargetModelInvokerRole(stack, "Role", endpoint=endpoint, target_models=["NewYork_NY/*"])
    allowed = by_sid(resources)["allow"]
    assert allowed["Action"] == "sagemaker:InvokeEndpoint"
    assert allowed["Condition"] == {"StringLike": {"sagemaker:TargetModel": ["NewYork_NY/*"]}}


@pytest.mark.parametrize(
    ("patterns", "operator", "keys"),
    [
        (["NewYork_NY/*"], "ForAllValues:StringEquals", ["NewYork_NY"]),
        (["A/a*", "A/b.tar.gz", "B/*"], "ForAllValues:StringEquals", ["A", "B"]),
        (["New*/*"], "ForAllValues:StringLike", ["New*"]),
    ],
)
def test_items_of_its_own_folders_may_be_read(
    stack: cdk.Stack,
    endpoint: MultiModelEndpointBase,
    resources: Resources,
    patterns: list[str],
    operator: str,
    keys: list[str],
) -> None:
    role = TargetModelInvokerRole(
        stack, "Role", endpoint=endpoint, target_models=patterns, allow_wide=True
    )
    arn = "arn:aws:dynamodb:us-east-1:123456789012:table/registry"
    role.allow_own_items(dynamodb.Table.from_table_arn(stack, "Table", arn))
    assert by_sid(resources)["ReadOwnItems"] == {
        "Sid": "ReadOwnItems",
        "Effect": "Allow",
        "Action": "dynamodb:GetItem",
        "Resource": arn,
        "Condition": {
            operator: {"dynamodb:LeadingKeys": keys},
            "Null": {"dynamodb:LeadingKeys": "false"},
        },
    }


def test_a_later_policy_cannot_widen_the_role(
    stack: cdk.Stack, endpoint: MultiModelEndpointBase, resources: Resources
) -> None:
    TargetModelInvokerRole(stack, "Role", endpoint=endpoint, target_models=["NewYork_NY/*"])
    other_models = by_sid(resources)["DenyOtherTargetModels"]
    assert other_models["Effect"] == "Deny"
    assert other_models["Condition"] == {
        "StringNotLike": {"sagemaker:TargetModel": ["NewYork_NY/*"]}
    }
    assert by_sid(resources)["DenyOtherEndpoints"]["Effect"] == "Deny"
    assert by_sid(resources)["DenyWaysAround"] == {
        "Action": [
            "sagemaker:InvokeEndpointAsync",
            "sagemaker:InvokeEndpointWith*",
            "sts:AssumeRole",
            "sts:TagSession",
        ],
        "Effect": "Deny",
        "Resource": "*",
        "Sid": "DenyWaysAround",
    }


def test_the_own_account_may_assume_it_for_an_hour_by_default(
    stack: cdk.Stack, endpoint: MultiModelEndpointBase, resources: Resources
) -> None:
    TargetModelInvokerRole(stack, "Role", endpoint=endpoint, target_models=["NewYork_NY/*"])
    (statement,) = trust(resources)
    assert statement["Principal"]["AWS"]["Fn::Join"][1][-1] == ":root"
    (role,) = resources("AWS::IAM::Role")
    assert "MaxSessionDuration" not in role


def test_another_account_must_pass_the_external_id(
    stack: cdk.Stack, endpoint: MultiModelEndpointBase, resources: Resources
) -> None:
    TargetModelInvokerRole(
        stack,
        "Role",
        endpoint=endpoint,
        target_models=["NewYork_NY/*"],
        assumed_by=iam.AccountPrincipal("210987654321"),
        external_id="broker-7",
        max_session_duration=cdk.Duration.hours(12),
    )
    (statement,) = trust(resources)
    assert statement["Condition"] == {"StringEquals": {"sts:ExternalId": "broker-7"}}
    (role,) = resources("AWS::IAM::Role")
    assert role["MaxSessionDuration"] == 43200


def test_problems_are_told_all_at_once(stack: cdk.Stack, endpoint: MultiModelEndpointBase) -> None:
    with pytest.raises(InvalidPropsError) as error:
        TargetModelInvokerRole(
            stack,
            "Role",
            endpoint=endpoint,
            target_models=["NewYork*"],
            external_id="!",
            max_session_duration=cdk.Duration.hours(13),
        )
    subject, *lines = str(error.value).splitlines()
    assert subject == "TargetModelInvokerRole 'Role' cannot be deployed:"
    assert [line.split()[1] for line in lines] == ["target", "max_session_duration", "external_id"]


def test_the_tenants_role_follows_the_session_tag(
    stack: cdk.Stack, endpoint: MultiModelEndpointBase, resources: Resources
) -> None:
    TenantInvokerRole(stack, "Role", endpoint=endpoint, tag_key="Tenant")
    allowed = by_sid(resources)["allow"]
    assert allowed["Condition"]["StringLike"]["sagemaker:TargetModel"] == [
        "${aws:PrincipalTag/Tenant}/*"
    ]


def test_the_tenants_role_wants_its_tag_and_no_other(
    stack: cdk.Stack, endpoint: MultiModelEndpointBase, resources: Resources
) -> None:
    TenantInvokerRole(stack, "Role", endpoint=endpoint)
    allowed, *denials = trust(resources)
    assert allowed["Action"] == ["sts:AssumeRole", "sts:TagSession"]
    assert {denial["Sid"]: denial["Effect"] for denial in denials} == {
        "DenyWithoutSessionTag": "Deny",
        "DenyOtherSessionTags": "Deny",
        "DenyOtherThanOwnTag": "Deny",
    }


def test_more_patterns_than_a_policy_holds_are_refused(stack: cdk.Stack) -> None:
    endpoint = MultiModelEndpoint.from_endpoint_name(stack, "Many", "houses")
    patterns = [f"Neighbourhood_Number_{number:04d}/*" for number in range(400)]
    with pytest.raises(InvalidPropsError, match=r"characters, and IAM allows 10,240"):
        TargetModelInvokerRole(stack, "Wide", endpoint=endpoint, target_models=patterns)


def test_more_principals_than_a_trust_policy_holds_are_refused(stack: cdk.Stack) -> None:
    endpoint = MultiModelEndpoint.from_endpoint_name(stack, "Trusted", "houses")
    providers = [f"oidc.eks.us-east-1.amazonaws.com/id/{'A' * 31}{number}" for number in range(4)]
    principals = iam.CompositePrincipal(
        *(
            iam.WebIdentityPrincipal(
                f"arn:aws:iam::123456789012:oidc-provider/{provider}",
                conditions={"StringEquals": {f"{provider}:aud": "sts.amazonaws.com"}},
            )
            for provider in providers
        )
    )
    with pytest.raises(InvalidPropsError, match=r"trust policy has .* IAM allows 2,048"):
        TenantInvokerRole(stack, "Tenants", endpoint=endpoint, assumed_by=principals)

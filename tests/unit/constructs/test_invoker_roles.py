"""Roles that may invoke some target models."""

import json
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam

from iam_policy import Effect, PolicySet, Request, evaluate, parse_policy
from sagemaker_mme import (
    EndpointTagInvokerRole,
    InvalidPropsError,
    MultiModelEndpoint,
    TargetModelInvokerRole,
    TenantInvokerRole,
)
from sagemaker_mme.endpoint_base import MultiModelEndpointBase
from tests.unit.constructs.conftest import statements
from tests.unit.iam_policy.builders import ENDPOINT, ROLE

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


PATTERNS = [f"Neighbourhood_Number_{number:04d}/*" for number in range(1850)]


def characters(document: dict[str, Any]) -> int:
    return len(json.dumps(document, separators=(",", ":")))


def test_patterns_that_do_not_fit_inline_are_split_over_managed_policies(
    stack: cdk.Stack, endpoint: MultiModelEndpointBase, resources: Resources
) -> None:
    TargetModelInvokerRole(stack, "Role", endpoint=endpoint, target_models=PATTERNS[:300])
    policies = resources("AWS::IAM::ManagedPolicy")
    assert len(policies) == 2
    assert all(characters(policy["PolicyDocument"]) <= 6144 for policy in policies)
    found = [
        pattern
        for statement in statements(policies)
        for pattern in statement["Condition"]["StringLike"]["sagemaker:TargetModel"]
    ]
    assert found == PATTERNS[:300]
    assert "DenyOtherTargetModels" in by_sid(resources)


def test_ten_managed_policies_hold_what_one_denial_cannot(
    stack: cdk.Stack, endpoint: MultiModelEndpointBase, resources: Resources
) -> None:
    props: dict[str, Any] = {"endpoint": endpoint, "target_models": PATTERNS}
    TargetModelInvokerRole(stack, "Role", **props, deny_other_target_models=False)
    policies = resources("AWS::IAM::ManagedPolicy")
    assert len(policies) == 10
    assert all(characters(policy["PolicyDocument"]) <= 6144 for policy in policies)


def test_more_patterns_than_policies_hold_are_refused(stack: cdk.Stack) -> None:
    endpoint = MultiModelEndpoint.from_endpoint_name(stack, "Many", "houses")
    props: dict[str, Any] = {"endpoint": endpoint}
    with pytest.raises(InvalidPropsError, match=r"characters, and IAM allows 10,240"):
        TargetModelInvokerRole(stack, "Wide", target_models=PATTERNS[:400], **props)
    with pytest.raises(InvalidPropsError, match=r"11 managed policies, and a role has 10"):
        TargetModelInvokerRole(stack, "Wider", target_models=[*PATTERNS, *PATTERNS[:100]], **props)


@pytest.mark.parametrize(
    ("endpoint_team", "own_team", "target_model", "effect"),
    [
        ("pricing", "pricing", "shared/a.tar.gz", Effect.ALLOWED),
        ("pricing", "pricing", "private/a.tar.gz", Effect.IMPLICIT_DENY),
        ("pricing", "pricing", None, Effect.IMPLICIT_DENY),
        ("pricing", "claims", "shared/a.tar.gz", Effect.EXPLICIT_DENY),
        (None, "pricing", "shared/a.tar.gz", Effect.EXPLICIT_DENY),
        (None, None, "shared/a.tar.gz", Effect.EXPLICIT_DENY),
    ],
)
def test_the_tag_of_the_endpoint_decides_who_may_invoke_it(
    stack: cdk.Stack,
    resources: Resources,
    endpoint_team: str | None,
    own_team: str | None,
    target_model: str | None,
    effect: Effect,
) -> None:
    EndpointTagInvokerRole(stack, "Role", tag_key="Team", target_models=["shared/*"])
    (policy,) = resources("AWS::IAM::Policy")
    text = json.dumps(policy["PolicyDocument"]["Statement"])
    for statement in policy["PolicyDocument"]["Statement"]:
        if isinstance(statement["Resource"], dict):
            statement["Resource"] = ENDPOINT.rpartition("/")[0] + "/*"
    assert "${aws:PrincipalTag/Team}" in text
    context = {
        "aws:ResourceTag/Team": endpoint_team,
        "aws:PrincipalTag/Team": own_team,
        "sagemaker:TargetModel": target_model,
    }
    given = {key: value for key, value in context.items() if value is not None}
    request = Request("sagemaker:InvokeEndpoint", ENDPOINT, ROLE, given)
    document = parse_policy({"Version": "2012-10-17", **policy["PolicyDocument"]})
    assert evaluate(PolicySet((document,)), request).effect is effect


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

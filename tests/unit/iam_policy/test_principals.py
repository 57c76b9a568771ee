"""Principal and NotPrincipal.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
"""

from typing import Any

import pytest

from iam_policy import Effect, PolicyError, PolicySet, PolicyType, evaluate
from tests.unit.iam_policy.builders import (
    ACCOUNT,
    OTHER_ACCOUNT,
    ROLE,
    USER,
    allow,
    policy,
    request,
    resource_policy,
    statement,
)

ROOT_ARN = f"arn:aws:iam::{ACCOUNT}:root"


def denied_save_for(*excepted: str | None, boundary: bool = False) -> Effect:
    denying = resource_policy(statement("Deny", NotPrincipal={"AWS": list(excepted)}))
    policies = PolicySet((allow(),), resource=denying, boundary=allow() if boundary else None)
    return evaluate(policies, request(principal=ROLE)).effect


def test_not_principal_denies_everyone_who_is_not_listed() -> None:
    assert denied_save_for(USER.arn, ROOT_ARN) is Effect.EXPLICIT_DENY


def test_not_principal_excepts_a_session_listed_with_its_role_and_account() -> None:
    assert denied_save_for(ROLE.arn, ROLE.role_arn, ROOT_ARN) is Effect.ALLOWED


@pytest.mark.parametrize(
    "listed",
    [(ROLE.arn,), (ROLE.arn, ROLE.role_arn), (ROLE.arn, ROOT_ARN), (ROLE.role_arn, ROOT_ARN)],
    ids=["session", "session and role", "session and account", "role and account"],
)
def test_not_principal_denies_when_a_link_of_the_chain_is_missing(
    listed: tuple[str | None, ...],
) -> None:
    assert denied_save_for(*listed) is Effect.EXPLICIT_DENY


def test_not_principal_denies_everyone_with_a_permissions_boundary() -> None:
    everyone_listed = (ROLE.arn, ROLE.role_arn, ROOT_ARN)
    assert denied_save_for(*everyone_listed, boundary=True) is Effect.EXPLICIT_DENY


@pytest.mark.parametrize("written", [ACCOUNT, ROOT_ARN], ids=["account id", "account ARN"])
def test_account_id_and_account_arn_mean_the_same(written: str) -> None:
    denying = resource_policy(statement("Deny", Principal={"AWS": written}))
    found = evaluate(PolicySet((allow(),), resource=denying), request(principal=USER))
    assert found.effect is Effect.EXPLICIT_DENY


def test_a_list_names_each_of_its_principals() -> None:
    granting = resource_policy(statement(Principal={"AWS": [OTHER_ACCOUNT, USER.arn]}))
    assert evaluate(PolicySet(resource=granting), request(principal=USER)).allowed


@pytest.mark.parametrize("everyone", ["*", {"AWS": "*"}, {"AWS": ["*"]}])
def test_a_star_names_everyone(everyone: object) -> None:
    granting = resource_policy(statement(Principal=everyone))
    assert evaluate(PolicySet(resource=granting), request(principal=USER)).allowed


@pytest.mark.parametrize(
    ("elements", "fault"),
    [
        ({"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/*"}}, "wildcard"),
        ({"Principal": {"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/r/*"}}, "wildcard"),
        ({"Principal": {"Service": "*.amazonaws.com"}}, "wildcard"),
        ({"Principal": {"AWS": "12345"}}, "no account, role, session or user"),
        ({"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:group/g"}}, "no account, role"),
        ({"Principal": {"User": USER.arn}}, "principal type 'User'"),
        ({"Principal": {"AWS": []}}, "empty list"),
        ({"Principal": {}}, "a principal is"),
        ({"Principal": USER.arn}, "a principal is"),
        ({}, "exactly one of Principal and NotPrincipal"),
        ({"Principal": "*", "NotPrincipal": "*"}, "exactly one of Principal and NotPrincipal"),
        ({"NotPrincipal": {"AWS": ACCOUNT}}, "Effect Deny only"),
    ],
)
def test_malformed_principal(elements: dict[str, Any], fault: str) -> None:
    with pytest.raises(PolicyError, match=fault):
        resource_policy(statement(**elements))


def test_a_trust_policy_takes_no_not_principal() -> None:
    block = {"Effect": "Deny", "NotPrincipal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    with pytest.raises(PolicyError, match="NotPrincipal is not supported in role trust policies"):
        policy(block, policy_type=PolicyType.TRUST)

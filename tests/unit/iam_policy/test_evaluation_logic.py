"""The order of evaluation over all types of policies, case by case.

Within an account:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
Between accounts:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
"""

import dataclasses

import pytest

from iam_policy import Decision, Effect, PolicySet, PolicyType, Principal, evaluate
from iam_policy.statement import Policy
from tests.unit.iam_policy.builders import (
    ACCOUNT,
    OTHER_ACCOUNT,
    ROLE,
    ROOT,
    USER,
    allow,
    deny,
    policy,
    request,
    resource_policy,
    statement,
)

NOTHING = allow(Action="sts:GetCallerIdentity")
ALLOW = allow()
DENY = deny()
SESSION_ARN = {"AWS": ROLE.arn}
ROLE_ARN = {"AWS": ROLE.role_arn}
USER_ARN = {"AWS": USER.arn}
ACCOUNT_ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
FEDERATED_USER = Principal(
    arn=f"arn:aws:sts::{ACCOUNT}:federated-user/exampleuser",
    account_id=ACCOUNT,
    role_arn=USER.arn,
)


def granting(principal: object, effect: str = "Allow") -> Policy:
    return resource_policy(statement(effect, Principal=principal))


def decide(
    *identity: Policy,
    resource: Policy | None = None,
    boundary: Policy | None = None,
    session: Policy | None = None,
    must_allow: bool = False,
    principal: Principal = ROLE,
    resource_account: str | None = None,
) -> Decision:
    policies = PolicySet(
        identity=identity,
        resource=resource,
        boundary=boundary,
        session=None if session is None else (session,),
        resource_must_allow=must_allow,
    )
    return evaluate(policies, request(principal=principal, resource_account=resource_account))


def implicit_deny(policy_type: PolicyType) -> Decision:
    return Decision(Effect.IMPLICIT_DENY, policy_type)


class TestDeny:
    def test_without_any_policy_a_request_is_denied_implicitly(self) -> None:
        assert decide() == implicit_deny(PolicyType.IDENTITY)

    def test_the_root_user_needs_no_policy(self) -> None:
        assert decide(principal=ROOT).allowed

    @pytest.mark.parametrize(
        ("kind", "expected"),
        [
            ("boundary", PolicyType.BOUNDARY),
            ("session", PolicyType.SESSION),
            ("resource", PolicyType.RESOURCE),
        ],
    )
    def test_an_explicit_deny_in_any_policy_wins(self, kind: str, expected: PolicyType) -> None:
        denying = granting("*", "Deny") if kind == "resource" else DENY
        decision = decide(ALLOW, **{kind: denying})  # type: ignore[arg-type]
        assert decision == Decision(Effect.EXPLICIT_DENY, expected, f"{denying.name}/0")

    def test_an_explicit_deny_wins_over_an_allow_in_another_policy(self) -> None:
        assert decide(ALLOW, DENY).effect is Effect.EXPLICIT_DENY

    def test_an_explicit_deny_wins_over_a_direct_grant_to_the_session(self) -> None:
        assert decide(DENY, resource=granting(SESSION_ARN)).effect is Effect.EXPLICIT_DENY

    def test_an_explicit_deny_in_a_resource_policy_hits_the_root_user(self) -> None:
        assert decide(principal=ROOT, resource=granting("*", "Deny")).effect is Effect.EXPLICIT_DENY


class TestIdentityPolicies:
    def test_one_allow_is_enough(self) -> None:
        expected = Decision(Effect.ALLOWED, PolicyType.IDENTITY, "identity/0")
        assert decide(NOTHING, ALLOW) == expected

    def test_the_deciding_statement_is_named_by_its_sid(self) -> None:
        named = policy(statement(Sid="InvokeAll"))
        assert decide(named).statement == "identity/InvokeAll"

    def test_a_permissions_boundary_allows_nothing_by_itself(self) -> None:
        assert decide(boundary=ALLOW) == implicit_deny(PolicyType.IDENTITY)

    def test_a_permissions_boundary_limits_the_identity_policies(self) -> None:
        assert decide(ALLOW, boundary=NOTHING) == implicit_deny(PolicyType.BOUNDARY)

    def test_session_policies_limit_the_identity_policies(self) -> None:
        assert decide(ALLOW, session=NOTHING) == implicit_deny(PolicyType.SESSION)

    def test_a_session_policy_allows_nothing_by_itself(self) -> None:
        assert decide(NOTHING, session=ALLOW) == implicit_deny(PolicyType.IDENTITY)

    def test_boundary_session_and_identity_policies_have_to_allow(self) -> None:
        assert decide(ALLOW, boundary=ALLOW, session=ALLOW).allowed


class TestResourcePoliciesWithinTheAccount:
    def test_either_policy_is_enough(self) -> None:
        assert decide(resource=granting(ROLE_ARN)).allowed
        assert decide(ALLOW, resource=granting({"AWS": f"{OTHER_ACCOUNT}"})).allowed

    @pytest.mark.parametrize("limit", ["boundary", "session"])
    def test_a_grant_to_the_role_is_limited_by_boundary_and_session_policies(
        self, limit: str
    ) -> None:
        decision = decide(resource=granting(ROLE_ARN), **{limit: NOTHING})  # type: ignore[arg-type]
        assert decision == implicit_deny(PolicyType[limit.upper()])

    def test_a_grant_to_the_session_is_limited_by_nothing(self) -> None:
        decision = decide(
            NOTHING, resource=granting(SESSION_ARN), boundary=NOTHING, session=NOTHING
        )
        assert decision == Decision(Effect.ALLOWED, PolicyType.RESOURCE, "resource/0")

    def test_a_grant_to_the_user_is_limited_by_nothing(self) -> None:
        assert decide(resource=granting(USER_ARN), boundary=NOTHING, principal=USER).allowed

    def test_a_grant_to_everyone_is_limited_by_nothing(self) -> None:
        """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html"""
        assert decide(resource=granting("*"), boundary=NOTHING, session=NOTHING).allowed

    def test_a_grant_to_the_federated_user_is_limited_by_nothing(self) -> None:
        granted = granting({"AWS": FEDERATED_USER.arn})
        assert decide(resource=granted, session=NOTHING, principal=FEDERATED_USER).allowed

    def test_a_grant_to_the_user_who_federated_is_limited_by_the_session_policy(self) -> None:
        decision = decide(resource=granting(USER_ARN), session=NOTHING, principal=FEDERATED_USER)
        assert decision == implicit_deny(PolicyType.SESSION)

    def test_the_most_direct_of_several_grants_counts(self) -> None:
        both = resource_policy(statement(Principal=ROLE_ARN), statement(Principal=SESSION_ARN))
        assert decide(resource=both, session=NOTHING).allowed

    def test_a_grant_to_the_account_leaves_it_to_the_identity_policies(self) -> None:
        assert not decide(resource=granting(ACCOUNT_ROOT)).allowed
        assert decide(ALLOW, resource=granting(ACCOUNT_ROOT)).allowed

    def test_a_grant_to_another_session_of_the_role_grants_nothing(self) -> None:
        other = ROLE.arn.replace("/session", "/other")
        assert not decide(resource=granting({"AWS": other})).allowed


class TestPoliciesThatMustAllow:
    """Role trust policies and KMS key policies: no caller's policy replaces their allow."""

    def test_the_identity_policies_alone_are_not_enough(self) -> None:
        decision = decide(ALLOW, must_allow=True, resource=granting({"AWS": OTHER_ACCOUNT}))
        assert decision == implicit_deny(PolicyType.RESOURCE)

    def test_without_the_policy_nothing_is_allowed(self) -> None:
        assert decide(ALLOW, must_allow=True) == implicit_deny(PolicyType.RESOURCE)

    def test_a_grant_to_the_account_needs_the_identity_policies_as_well(self) -> None:
        assert decide(ALLOW, must_allow=True, resource=granting(ACCOUNT_ROOT)).allowed
        assert not decide(must_allow=True, resource=granting(ACCOUNT_ROOT)).allowed

    def test_a_grant_to_the_account_is_enough_for_its_root_user(self) -> None:
        assert decide(must_allow=True, resource=granting(ACCOUNT_ROOT), principal=ROOT).allowed

    def test_a_grant_to_the_role_is_enough(self) -> None:
        assert decide(must_allow=True, resource=granting(ROLE_ARN)).allowed


class TestServicesAndFederatedCallers:
    SERVICE = Principal("sagemaker.amazonaws.com", ACCOUNT, service="sagemaker.amazonaws.com")
    PROVIDER = "token.actions.githubusercontent.com"
    FEDERATED = Principal(PROVIDER, ACCOUNT, federated=PROVIDER)

    @pytest.mark.parametrize("caller", [SERVICE, FEDERATED], ids=["service", "federated"])
    def test_only_the_resource_policy_admits_them(self, caller: Principal) -> None:
        assert decide(ALLOW, principal=caller) == implicit_deny(PolicyType.RESOURCE)

    def test_a_service_is_admitted_by_its_name(self) -> None:
        assert decide(
            resource=granting({"Service": "sagemaker.amazonaws.com"}), principal=self.SERVICE
        ).allowed

    def test_another_service_is_not(self) -> None:
        lambda_only = granting({"Service": "lambda.amazonaws.com"})
        assert not decide(resource=lambda_only, principal=self.SERVICE).allowed

    def test_a_federated_caller_is_admitted_by_its_provider(self) -> None:
        assert decide(
            resource=granting({"Federated": self.PROVIDER}), principal=self.FEDERATED
        ).allowed

    def test_a_grant_to_an_account_does_not_admit_a_service(self) -> None:
        assert not decide(resource=granting(ACCOUNT_ROOT), principal=self.SERVICE).allowed


class TestBetweenAccounts:
    FOREIGN_ROLE = dataclasses.replace(
        ROLE,
        arn=f"arn:aws:sts::{OTHER_ACCOUNT}:assumed-role/examplerole/session",
        role_arn=f"arn:aws:iam::{OTHER_ACCOUNT}:role/examplerole",
        account_id=OTHER_ACCOUNT,
    )

    def foreign(self, *identity: Policy, resource: Policy | None = None) -> Decision:
        return decide(*identity, resource=resource, principal=self.FOREIGN_ROLE)

    def test_both_accounts_have_to_allow(self) -> None:
        granted = granting({"AWS": OTHER_ACCOUNT})
        assert self.foreign(ALLOW, resource=granted).allowed
        assert self.foreign(ALLOW) == implicit_deny(PolicyType.RESOURCE)
        assert self.foreign(resource=granted) == implicit_deny(PolicyType.IDENTITY)

    @pytest.mark.parametrize("name", ["role_arn", "arn"])
    def test_even_a_grant_to_role_or_session_needs_the_identity_policy(self, name: str) -> None:
        granted = granting({"AWS": getattr(self.FOREIGN_ROLE, name)})
        assert not self.foreign(resource=granted).allowed
        assert self.foreign(ALLOW, resource=granted).allowed

    def test_the_owner_can_be_told_where_the_arn_does_not(self) -> None:
        arn_without_account = dataclasses.replace(
            request(principal=ROLE), resource="arn:aws:s3:::bucket/key"
        )
        theirs = dataclasses.replace(arn_without_account, resource_account=OTHER_ACCOUNT)
        assert evaluate(PolicySet((ALLOW,)), arn_without_account).allowed
        assert not evaluate(PolicySet((ALLOW,)), theirs).allowed

    def test_policies_of_aws_itself_belong_to_no_other_account(self) -> None:
        managed = dataclasses.replace(
            request(principal=ROLE), resource="arn:aws:iam::aws:policy/ReadOnlyAccess"
        )
        assert evaluate(PolicySet((ALLOW,)), managed).allowed

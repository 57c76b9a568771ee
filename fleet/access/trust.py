"""Who may assume the roles, and with which session tags.

A session with tags needs ``sts:TagSession`` besides ``sts:AssumeRole``:
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from fleet.access.expectation import Expectation
from fleet.access.matrix import TAG_KEY
from fleet.access.roles import Estate, Role
from iam_policy import ContextValue, PolicySet, Principal, Request, evaluate, parse_policy

STRANGER_ACCOUNT = "999999999999"
_MAY_DO_ANYTHING = parse_policy(
    {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}},
    "administrator",
)


@dataclass(frozen=True)
class Attempt:
    """Somebody tries to assume a role; only roles that are to be refused are tried here."""

    title: str
    role: Role
    account_id: str
    session_tags: Mapping[str, str] = field(default_factory=dict)
    own_tags: Mapping[str, str] = field(default_factory=dict)
    external_id: str | None = None

    @property
    def succeeds(self) -> bool:
        """Whether an administrator of the account may assume the role so."""
        actions = ["sts:AssumeRole", *(["sts:TagSession"] if self.session_tags else [])]
        policies = PolicySet(
            (_MAY_DO_ANYTHING,), resource=self.role.trust, resource_must_allow=True
        )
        return all(evaluate(policies, self._request(action)).allowed for action in actions)

    def _request(self, action: str) -> Request:
        partition = self.role.arn.split(":")[1]
        user = Principal(f"arn:{partition}:iam::{self.account_id}:user/admin", self.account_id)
        context: dict[str, ContextValue] = {
            "aws:PrincipalArn": user.arn,
            "aws:PrincipalAccount": self.account_id,
            "sts:RoleSessionName": "access-check",
            "aws:TagKeys": list(self.session_tags),
            **{f"aws:RequestTag/{key}": value for key, value in self.session_tags.items()},
            **{f"aws:PrincipalTag/{key}": value for key, value in self.own_tags.items()},
        }
        if self.external_id:
            context["sts:ExternalId"] = self.external_id
        return Request(action, self.role.arn, user, context)


def widening_attempts(estate: Estate, expectation: Expectation) -> Iterator[Attempt]:
    """Ways to assume a role that have to fail, whatever the config says."""
    for name, role in estate.restricted.items():
        expected = expectation.restricted.get(name)
        external_id = expected.external_id if expected else None
        yield Attempt(f"{name}: a stranger's account", role, STRANGER_ACCOUNT)
        tags = {TAG_KEY: "Any"}
        yield Attempt(
            f"{name}: with a session tag", role, role.account_id, tags, external_id=external_id
        )
        if external_id:
            yield Attempt(f"{name}: without the external id", role, role.account_id)
    if estate.tenant is not None:
        yield from _tenant_attempts(estate.tenant, expectation.tenant_external_id)


def _tenant_attempts(role: Role, external_id: str | None) -> Iterator[Attempt]:
    tag = {TAG_KEY: "NewYork_NY"}
    own = role.account_id
    yield Attempt("Tenant: a stranger's account", role, STRANGER_ACCOUNT, tag)
    yield Attempt(f"Tenant: without the tag {TAG_KEY}", role, own, external_id=external_id)
    yield Attempt(
        f"Tenant: with an empty tag {TAG_KEY}", role, own, {TAG_KEY: ""}, external_id=external_id
    )
    yield Attempt(
        "Tenant: with another tag besides",
        role,
        own,
        {**tag, "Team": "x"},
        external_id=external_id,
    )
    yield Attempt(
        f"Tenant: a caller of another {TAG_KEY}",
        role,
        own,
        tag,
        own_tags={TAG_KEY: "Chicago_IL"},
        external_id=external_id,
    )
    if external_id:
        yield Attempt("Tenant: without the external id", role, own, tag)

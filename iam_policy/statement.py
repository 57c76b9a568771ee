"""Compiled policies: which requests their statements are about."""

from dataclasses import dataclass

from iam_policy.conditions import AnyCondition
from iam_policy.model import Context, PolicyType, Principal, Request
from iam_policy.patterns import Patterns
from iam_policy.principals import Grant, PrincipalElement


@dataclass(frozen=True)
class Scope:
    """Action or Resource (``inverted`` False), NotAction or NotResource (True)."""

    patterns: Patterns
    inverted: bool = False

    def covers(self, value: str, context: Context) -> bool:
        """Whether the statement is about this action or resource."""
        return self.patterns.match(value, context) != self.inverted


@dataclass(frozen=True)
class Statement:
    """A parsed statement; ``resources`` is None in role trust policies, which have none."""

    name: str
    denies: bool
    actions: Scope
    resources: Scope | None
    conditions: tuple[AnyCondition, ...]
    principal: PrincipalElement | None = None
    not_principal: PrincipalElement | None = None

    def applies(self, request: Request, context: Context) -> bool:
        """Whether action, resource and conditions match; the principal is asked for apart."""
        return (
            self.actions.covers(request.action, context)
            and (self.resources is None or self.resources.covers(request.resource, context))
            and all(condition.holds(context) for condition in self.conditions)
        )

    def grant_to(self, principal: Principal) -> Grant:
        """How directly an Allow names the principal."""
        return self.principal.grant_to(principal) if self.principal else Grant.NONE

    def denies_principal(self, principal: Principal, *, has_boundary: bool) -> bool:
        """Whether a Deny of a resource-based policy is about the principal.

        NotPrincipal denies everyone with a permissions boundary, listed or not:
        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
        """
        if self.not_principal is not None:
            return has_boundary or not self.not_principal.lists_all_of(principal)
        return self.grant_to(principal) is not Grant.NONE


@dataclass(frozen=True)
class Policy:
    """A parsed policy document; make one with ``parse_policy``."""

    name: str
    statements: tuple[Statement, ...]
    type: PolicyType = PolicyType.IDENTITY


@dataclass(frozen=True)
class PolicySet:
    """All policies that bear on a request; None means that there is none of the kind.

    ``resource_must_allow``: role trust policies and KMS key policies have to allow explicitly,
    whatever the caller's own policies say.
    """

    identity: tuple[Policy, ...] = ()
    resource: Policy | None = None
    boundary: Policy | None = None
    session: tuple[Policy, ...] | None = None
    resource_must_allow: bool = False

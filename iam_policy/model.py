"""The values that policy evaluation takes and gives."""

from dataclasses import dataclass
from enum import Enum

from iam_policy.errors import PolicyError
from iam_policy.request import Context, ContextValue, Principal, Request
from iam_policy.statement import Statement

__all__ = [
    "Context",
    "ContextValue",
    "Decision",
    "Effect",
    "Policy",
    "PolicyError",
    "PolicySet",
    "PolicyType",
    "Principal",
    "Request",
]


class Effect(Enum):
    """The outcome of an evaluation, in AWS's words."""

    ALLOWED = "allowed"
    IMPLICIT_DENY = "implicitDeny"
    EXPLICIT_DENY = "explicitDeny"


class PolicyType(Enum):
    """Where a policy is attached, in the words of AWS's denials."""

    IDENTITY = "identity-based policy"
    RESOURCE = "resource-based policy"
    TRUST = "role trust policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"

    @property
    def names_principals(self) -> bool:
        """Whether statements need a Principal element."""
        return self in (PolicyType.RESOURCE, PolicyType.TRUST)


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


@dataclass(frozen=True)
class Decision:
    """``statement`` names the statement that decided ('policy/Sid' or 'policy/index'), if any."""

    effect: Effect
    policy_type: PolicyType = PolicyType.IDENTITY
    statement: str | None = None

    @property
    def allowed(self) -> bool:
        return self.effect is Effect.ALLOWED

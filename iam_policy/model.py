"""The values that policy evaluation takes and gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

ContextValue = str | Sequence[str]


class PolicyError(ValueError):
    """A policy that AWS would refuse; the text names the policy, the statement and the fault."""


class Effect(Enum):
    """The outcome of an evaluation, in AWS's words."""

    ALLOWED = "allowed"
    IMPLICIT_DENY = "implicitDeny"
    EXPLICIT_DENY = "explicitDeny"


@dataclass(frozen=True)
class Principal:
    """Who asks: ``arn`` of the user, role or session; ``role_arn`` behind a session."""

    arn: str
    account_id: str
    role_arn: str | None = None
    service: str | None = None
    federated: str | None = None


@dataclass(frozen=True)
class Request:
    """One authorization request; context keys are looked up without regard to case."""

    action: str
    resource: str
    principal: Principal
    context: Mapping[str, ContextValue] = field(default_factory=dict)


@dataclass(frozen=True)
class Policy:
    """A parsed policy document; make one with ``parse_policy``."""

    name: str
    statements: tuple[Any, ...]


@dataclass(frozen=True)
class PolicySet:
    """All policies that bear on a request; None means that there is none of the kind."""

    identity: tuple[Policy, ...] = ()
    resource: Policy | None = None
    boundary: Policy | None = None
    session: tuple[Policy, ...] | None = None


@dataclass(frozen=True)
class Decision:
    """``statement`` names the statement that decided ('policy/Sid' or 'policy/index'), if any."""

    effect: Effect
    policy_type: str = "identity-based policy"
    statement: str | None = None

    @property
    def allowed(self) -> bool:
        return self.effect is Effect.ALLOWED

"""The values that policy evaluation takes and gives, and the one exception of parsing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum


class PolicyError(ValueError):
    """A policy that AWS would refuse; the text names the policy, the statement and the fault."""


ContextValue = str | Sequence[str]
Context = Mapping[str, str | tuple[str, ...]]
"""A normalised request context: keys in lower case, each one text or a tuple of texts."""


@dataclass(frozen=True)
class Principal:
    """Who asks.

    Parameters
    ----------
    arn
        Of the user, the role, the session, or the account's root user.
    account_id
        The principal's own account.
    role_arn
        For a session: the role behind it. For a federated user: the IAM user who federated.
    service
        For an AWS service: its name, for example ``sagemaker.amazonaws.com``.
    federated
        For a web identity or SAML caller: the identity provider, as a trust policy names it.
    """

    arn: str
    account_id: str
    role_arn: str | None = None
    service: str | None = None
    federated: str | None = None

    @property
    def is_root_user(self) -> bool:
        """Whether this is the account's root user, who needs no identity-based policy."""
        return self.arn.endswith(f":iam::{self.account_id}:root")

    @property
    def has_identity_policies(self) -> bool:
        """Services and federated callers have none: only a resource-based policy can admit them."""
        return self.service is None and self.federated is None


@dataclass(frozen=True)
class Request:
    """One authorization request; context keys are looked up without regard to case.

    ``resource_account`` is needed only where the resource's ARN does not tell it (S3).
    """

    action: str
    resource: str
    principal: Principal
    context: Mapping[str, ContextValue] = field(default_factory=dict)
    resource_account: str | None = None

    @property
    def is_cross_account(self) -> bool:
        """Whether the resource belongs to another account than the principal."""
        owner = self.resource_account or _account_of(self.resource)
        return owner not in (None, self.principal.account_id)

    def normalised_context(self) -> Context:
        """The context as conditions read it; a key without any value counts as missing."""
        return {
            key.lower(): value if isinstance(value, str) else tuple(value)
            for key, value in self.context.items()
            if isinstance(value, str) or value
        }


def _account_of(arn: str) -> str | None:
    """The owner's account id; None in ARNs without one, as of S3 objects and AWS's own policies."""
    parts = arn.split(":", 5)
    return parts[4] if len(parts) == 6 and parts[4].isdigit() else None


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
class Decision:
    """``statement`` names the statement that decided ('policy/Sid' or 'policy/index'), if any."""

    effect: Effect
    policy_type: PolicyType = PolicyType.IDENTITY
    statement: str | None = None

    @property
    def allowed(self) -> bool:
        return self.effect is Effect.ALLOWED


def access_denied_message(request: Request, decision: Decision) -> str:
    """The text of an access denied error; it names the caller, never a key or a token.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    caller = f"User: {request.principal.arn} is not authorized to perform: {request.action}"
    target = f"on resource: {request.resource}"
    kind = decision.policy_type.value
    if decision.effect is Effect.EXPLICIT_DENY:
        article = "an" if kind.startswith("i") else "a"
        return f"{caller} {target} with an explicit deny in {article} {kind}"
    return f"{caller} {target} because no {kind} allows the {request.action} action"

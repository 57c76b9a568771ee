"""The authorization request: who asks, for what, and under which circumstances."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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

"""The Principal and NotPrincipal elements of resource-based policies.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

from iam_policy.model import PolicyError, Principal


class Grant(IntEnum):
    """How directly a resource-based policy names the principal; more is more direct."""

    NONE = 0
    ACCOUNT = 1
    """Its account: the account's own policies have to allow as well."""
    ROLE = 2
    """The role behind the session: permissions boundary and session policies still limit."""
    DIRECT = 3
    """The user or session itself, a service, or everyone: no implicit deny limits it."""


EVERYONE = ("AWS", "*")
_TYPES = ("AWS", "Service", "Federated", "CanonicalUser")
_ACCOUNT = re.compile(r"(?:arn:[a-z-]+:iam::)?(\d{12})(?::root)?", re.ASCII)
_AWS_PRINCIPAL = re.compile(
    r"arn:[a-z-]+:(iam::\d{12}:(role|user)/.+|sts::\d{12}:(assumed-role/.+/.+|federated-user/.+))"
    r"|A[A-Z0-9]{15,}",  # the unique id that stands in for a deleted role or user
    re.ASCII,
)


@dataclass(frozen=True)
class PrincipalElement:
    """The listed principals as (type, id) pairs; accounts as their 12 digits."""

    listed: frozenset[tuple[str, str]]

    def grant_to(self, principal: Principal) -> Grant:
        """The most direct way in which the element names the principal."""
        if EVERYONE in self.listed:
            return Grant.DIRECT
        for grant, identity in reversed(list(_identities(principal))):
            if identity in self.listed:
                return grant
        return Grant.NONE

    def lists_all_of(self, principal: Principal) -> bool:
        """Whether account, role and session are all listed, which is what NotPrincipal asks for.

        AWS may check the account first, then the role, then the session, each on its own:
        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
        """
        if EVERYONE in self.listed:
            return True
        return all(identity in self.listed for _, identity in _identities(principal))


def _identities(principal: Principal) -> Iterator[tuple[Grant, tuple[str, str]]]:
    """The (type, id) pairs by which a policy may name the principal, widest first."""
    if principal.service is not None:
        yield Grant.DIRECT, ("Service", principal.service)
        return
    if principal.federated is not None:
        yield Grant.DIRECT, ("Federated", principal.federated)
        return
    yield Grant.ACCOUNT, ("AWS", principal.account_id)
    if principal.role_arn is not None:
        yield Grant.ROLE, ("AWS", principal.role_arn)
    if not principal.is_root_user:
        yield Grant.DIRECT, ("AWS", principal.arn)


def parse_principal(element: object) -> PrincipalElement:
    """``"*"`` or an object of type to one or more ids.

    Raises
    ------
    PolicyError
    """
    if element == "*":
        return PrincipalElement(frozenset([EVERYONE]))
    if not isinstance(element, Mapping) or not element:
        raise PolicyError(
            f'a principal is "*" or an object such as {{"AWS": ...}}, not {element!r}'
        )
    listed = [
        (kind, _identity(kind, value))
        for kind, values in element.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    if not listed:
        raise PolicyError("the principal is an empty list")
    return PrincipalElement(frozenset(listed))


def _identity(kind: str, value: object) -> str:
    if kind not in _TYPES:
        raise PolicyError(f"principal type {kind!r} is none of {', '.join(_TYPES)}")
    if not isinstance(value, str) or not value:
        raise PolicyError(f"{kind} principal {value!r} is not text")
    if kind == "AWS":
        return _aws_identity(value)
    if "*" in value or "?" in value:
        raise PolicyError(f"{kind} principal {value!r} must not hold a wildcard")
    return value


def _aws_identity(value: str) -> str:
    if value == "*":
        return value
    if "*" in value or "?" in value:
        raise PolicyError(f"AWS principal {value!r}: a wildcard cannot stand for part of a name")
    account = _ACCOUNT.fullmatch(value)
    if account:
        return account[1]
    if not _AWS_PRINCIPAL.fullmatch(value):
        raise PolicyError(f"{value!r} is no account, role, session or user")
    return value

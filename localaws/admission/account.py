"""What the rules ask about the account that a request is for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class PolicyOwner:
    """A user, group or role with its policies: inline documents by name, attached ARNs."""

    inline: Mapping[str, str]
    attached: Sequence[str]
    members: int = 0
    """How many users a group has."""


class Account(Protocol):
    """The resources of an account, looked up by name or ARN."""

    @property
    def account_id(self) -> str: ...

    @property
    def region(self) -> str: ...

    def caller_arn(self) -> str | None:
        """Who asks, as a policy names them: a user or a role."""

    def caller_is_session(self) -> bool:
        """Whether the caller is a role's session already."""

    def owner(self, kind: str, name: str) -> PolicyOwner | None:
        """The User, Group or Role of this name; None without one."""

    def record(self, kind: str, name: str) -> Mapping[str, Any] | None:
        """What is known of a resource; None without one.

        ``kind`` is one of bucket, composite alarm, event bus, function, key, log group, parameter,
        point in time recovery (of a table), query, rule (with its Targets), table, time to live (of
        a table), topic, upload (with the sizes of its parts) and user (with its Groups).
        """

    def is_taken(self, kind: str, name: str) -> bool:
        """Whether a User, Group, Role or Policy has this name in whatever case."""

    def count(self, kind: str) -> int:
        """How many Users, Groups, Roles or Policies there are."""

    def policy_versions(self, arn: str) -> int | None:
        """How many versions a managed policy has; None when it does not exist."""

    def access_keys(self, user: str) -> int: ...

    def longest_session(self, role_arn: str) -> int | None:
        """The role's MaxSessionDuration in seconds; None without the role."""

    def may_assume(self, service: str, role_arn: str, source_arn: str | None = None) -> bool:
        """Whether a role exists that an AWS service may assume, on behalf of a resource."""

    def principal_exists(self, arn: str) -> bool:
        """Whether a user or role of this account exists."""

    def key_exists(self, key_id: str) -> bool:
        """Whether a KMS key exists, by id, ARN or alias."""

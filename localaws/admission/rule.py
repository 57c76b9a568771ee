"""What a rule of a service is, and how several are one."""

from collections.abc import Callable, Mapping
from typing import Any

from localaws.admission.account import Account
from localaws.errors import AwsError

Parameters = Mapping[str, Any]
Rule = Callable[[Parameters, Account], None]
"""Raises ``AwsError`` in its service's words for parameters that the service refuses. The page that
it stands on is the operation's own in the API reference of its service, if none other is named."""


def in_turn(*rules: Rule) -> Rule:
    """One rule of several, the first to object is heard."""

    def rule(parameters: Parameters, account: Account) -> None:
        for each in rules:
            each(parameters, account)

    return rule


def invalid(text: str, code: str = "ValidationException") -> AwsError:
    """The refusal of a value."""
    return AwsError(code, text)

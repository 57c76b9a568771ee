"""All that is wrong with the props of a construct, told at once."""

from collections.abc import Iterable

import aws_cdk as cdk
from constructs import IConstruct


class InvalidPropsError(ValueError):
    """Props that the service would refuse; the text has one line for every problem."""


def raise_problems(
    construct: IConstruct, problems: Iterable[str], *, subject: str | None = None
) -> None:
    """Raise one ``InvalidPropsError`` that lists all problems; do nothing when there are none.

    Parameters
    ----------
    subject
        What has the problems. Default: ``construct``.

    Raises
    ------
    InvalidPropsError
        There is a problem.
    """
    lines = [f"  - {problem}" for problem in problems]
    if lines:
        subject = subject or f"{type(construct).__name__} '{construct.node.path}'"
        raise InvalidPropsError("\n".join([f"{subject} cannot be deployed:", *lines]))


def is_token(value: object) -> bool:
    """True when the value is known at deploy time only, so that it cannot be checked here."""
    return cdk.Token.is_unresolved(value)


def count_problem(prop: str, value: int, low: int, high: int) -> Iterable[str]:
    """The problem of a whole number outside ``low`` to ``high``, if any."""
    if not is_token(value) and not low <= value <= high:
        yield f"{prop} is {value}; allowed: {low} to {high}"


def seconds_problem(prop: str, value: cdk.Duration | None, low: int, high: int) -> Iterable[str]:
    """The problem of a duration outside ``low`` to ``high`` seconds, if any."""
    if value is not None and not value.is_unresolved():
        yield from count_problem(f"{prop} (in seconds)", round(_seconds(value)), low, high)


def _seconds(duration: cdk.Duration) -> float:
    return float(duration.to_milliseconds()) / 1000

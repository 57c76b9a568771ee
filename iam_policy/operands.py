"""What the condition operators compare: one matcher for each type of operator.

A request value that has not the operator's type matches nothing. A policy value that has not is an
error. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

import base64
import binascii
import ipaddress
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Generic, Protocol, TypeVar

from iam_policy.model import Context, PolicyError
from iam_policy.patterns import ARN_COMPONENTS, Patterns, Syntax, Wildcard, arn_components, tokenize

T = TypeVar("T")


class Operands(Protocol):
    """The values that a policy gives for one condition key."""

    def match(self, value: str, context: Context) -> bool:
        """Whether the request's value matches any of them."""
        ...


class OperandParser(Protocol):
    """Makes operands of a policy's values; ``variables`` as the policy's version has them."""

    def __call__(self, values: Sequence[str], *, variables: bool) -> Operands: ...


@dataclass(frozen=True)
class Comparison(Generic[T]):
    """Values of an ordered type: ``compare(request value, policy value)``."""

    read: Callable[[str], T]
    compare: Callable[[T, T], bool]
    values: tuple[T, ...]

    def match(self, value: str, context: Context) -> bool:
        try:
            found = self.read(value)
        except ValueError:
            return False
        return any(self.compare(found, wanted) for wanted in self.values)


def text(values: Sequence[str], *, variables: bool) -> Operands:
    """Exactly this text."""
    return Patterns(tokenize(value, wildcards=False, variables=variables) for value in values)


def text_ignoring_case(values: Sequence[str], *, variables: bool) -> Operands:
    """The text in upper or lower case."""
    tokens = [tokenize(value, wildcards=False, variables=variables) for value in values]
    return Patterns(tokens, Syntax.TEXT_IGNORING_CASE)


def text_pattern(values: Sequence[str], *, variables: bool) -> Operands:
    """Text with the wildcards ``*`` and ``?``."""
    return Patterns(tokenize(value, wildcards=True, variables=variables) for value in values)


def arn_pattern(values: Sequence[str], *, variables: bool) -> Operands:
    """ARNs with wildcards, compared component by component.

    Raises
    ------
    PolicyError
    """
    tokens = [tokenize(value, wildcards=True, variables=variables) for value in values]
    for value, value_tokens in zip(values, tokens, strict=True):
        fixed = tuple(t for t in value_tokens if isinstance(t, str | Wildcard))
        if len(fixed) == len(value_tokens) and len(arn_components(fixed)) != ARN_COMPONENTS:
            raise PolicyError(f"{value!r} is not an ARN: it needs six parts between colons")
    return Patterns(tokens, Syntax.ARN)


def number(compare: Callable[[Decimal, Decimal], bool]) -> OperandParser:
    """Integers and decimals."""
    return _comparison(_read_number, compare, "a number")


def date(compare: Callable[[float, float], bool]) -> OperandParser:
    """ISO 8601 dates in the W3C forms, or seconds since the epoch."""
    return _comparison(_read_date, compare, "a date (ISO 8601) or seconds since the epoch")


def _comparison(
    read: Callable[[str], T], compare: Callable[[T, T], bool], expected: str
) -> OperandParser:
    def parse(values: Sequence[str], *, variables: bool) -> Operands:
        return Comparison(read, compare, tuple(_read(read, value, expected) for value in values))

    return parse


def _read(read: Callable[[str], T], value: str, expected: str) -> T:
    try:
        return read(value)
    except ValueError:
        raise PolicyError(f"{value!r} is not {expected}") from None


def _read_number(value: str) -> Decimal:
    if not re.fullmatch(r"[+-]?\d+(\.\d+)?", value, re.ASCII):
        raise ValueError(value)
    return Decimal(value)


_DATE = re.compile(
    r"(?P<year>\d{4})(-(?P<month>\d\d)(-(?P<day>\d\d)"
    r"(?P<time>T\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d))?)?)?",
    re.ASCII,
)


def _read_date(value: str) -> float:
    """Seconds since the epoch, however many."""
    match = _DATE.fullmatch(value)
    if match is None:
        return float(_read_number(value))
    day = f"{match['year']}-{match['month'] or '01'}-{match['day'] or '01'}"
    return datetime.fromisoformat(day + (match["time"] or "T00:00Z")).timestamp()


def _read_boolean(value: str) -> bool:
    if value.lower() not in ("true", "false"):
        raise ValueError(value)
    return value.lower() == "true"


def _read_binary(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error:
        raise ValueError(value) from None


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _read_network(value: str) -> Network:
    return ipaddress.ip_network(value, strict=False)


def _is_within(address: Network, network: Network) -> bool:
    return address.version == network.version and address.network_address in network


boolean: OperandParser = _comparison(_read_boolean, operator.eq, "true or false")
binary: OperandParser = _comparison(_read_binary, operator.eq, "base64")
address: OperandParser = _comparison(_read_network, _is_within, "an IP address or CIDR range")


def read_boolean(value: str) -> bool:
    """``true`` or ``false`` of a policy.

    Raises
    ------
    PolicyError
    """
    return _read(_read_boolean, value, "true or false")

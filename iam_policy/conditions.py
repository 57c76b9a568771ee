"""The Condition element.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html
"""

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from iam_policy import operands
from iam_policy.model import Context, PolicyError
from iam_policy.operands import OperandParser, Operands


@dataclass(frozen=True)
class Operator:
    """A condition operator without prefix and suffix; negated ones have ``Not`` in their name."""

    parse: OperandParser
    negated: bool = False


class Quantifier(Enum):
    """The set operators for keys with several values, by their prefix."""

    NONE = ""
    ALL = "ForAllValues:"
    ANY = "ForAnyValue:"


OPERATORS: Mapping[str, Operator] = {
    "StringEquals": Operator(operands.text),
    "StringNotEquals": Operator(operands.text, negated=True),
    "StringEqualsIgnoreCase": Operator(operands.text_ignoring_case),
    "StringNotEqualsIgnoreCase": Operator(operands.text_ignoring_case, negated=True),
    "StringLike": Operator(operands.text_pattern),
    "StringNotLike": Operator(operands.text_pattern, negated=True),
    "NumericEquals": Operator(operands.number(operator.eq)),
    "NumericNotEquals": Operator(operands.number(operator.eq), negated=True),
    "NumericLessThan": Operator(operands.number(operator.lt)),
    "NumericLessThanEquals": Operator(operands.number(operator.le)),
    "NumericGreaterThan": Operator(operands.number(operator.gt)),
    "NumericGreaterThanEquals": Operator(operands.number(operator.ge)),
    "DateEquals": Operator(operands.date(operator.eq)),
    "DateNotEquals": Operator(operands.date(operator.eq), negated=True),
    "DateLessThan": Operator(operands.date(operator.lt)),
    "DateLessThanEquals": Operator(operands.date(operator.le)),
    "DateGreaterThan": Operator(operands.date(operator.gt)),
    "DateGreaterThanEquals": Operator(operands.date(operator.ge)),
    "Bool": Operator(operands.boolean),
    "BinaryEquals": Operator(operands.binary),
    "IpAddress": Operator(operands.address),
    "NotIpAddress": Operator(operands.address, negated=True),
    "ArnEquals": Operator(operands.arn_pattern),
    "ArnLike": Operator(operands.arn_pattern),
    "ArnNotEquals": Operator(operands.arn_pattern, negated=True),
    "ArnNotLike": Operator(operands.arn_pattern, negated=True),
}
_IF_EXISTS = "IfExists"


@dataclass(frozen=True)
class Condition:
    """One key of one operator; ``key`` in lower case."""

    key: str
    operands: Operands
    negated: bool
    quantifier: Quantifier
    if_exists: bool

    def holds(self, context: Context) -> bool:
        """Whether the request fulfils the condition."""
        found = context.get(self.key)
        if found is None:
            return self._holds_without_key()
        values = (found,) if isinstance(found, str) else found
        match self.quantifier:
            case Quantifier.ALL:
                return _is_null(values) or all(self._fulfils(v, context) for v in values)
            case Quantifier.ANY:
                return not _is_null(values) and any(self._fulfils(v, context) for v in values)
            case Quantifier.NONE:
                return self.negated != any(self.operands.match(v, context) for v in values)

    def _holds_without_key(self) -> bool:
        """What a missing key means: nothing of it can be any of the values, whatever the suffix.

        ``ForAnyValue:...IfExists`` is false, as AWS answers:
        https://repost.aws/questions/QU9HFmDzP0QGuU-fd7rS6B7w
        """
        match self.quantifier:
            case Quantifier.ALL:
                return True
            case Quantifier.ANY:
                return False
            case Quantifier.NONE:
                return self.if_exists or self.negated

    def _fulfils(self, value: str, context: Context) -> bool:
        return self.operands.match(value, context) != self.negated


def _is_null(values: Sequence[str]) -> bool:
    """To the set operators a lone empty text is no value at all."""
    return not any(values)


@dataclass(frozen=True)
class NullCondition:
    """``Null``: true asks that the key is missing, false that it is there."""

    key: str
    accepted: frozenset[bool]

    def holds(self, context: Context) -> bool:
        """Whether the request fulfils the condition."""
        return (self.key not in context) in self.accepted


AnyCondition = Condition | NullCondition


def parse_condition_block(block: object, *, variables: bool) -> tuple[AnyCondition, ...]:
    """All conditions of a statement; every one of them has to hold.

    Raises
    ------
    PolicyError
    """
    conditions = []
    for operator_name, keys in _items(block, "Condition"):
        for key, values in _items(keys, operator_name):
            conditions.append(_parse_condition(operator_name, key, values, variables=variables))
    return tuple(conditions)


def _items(block: object, name: str) -> list[tuple[str, object]]:
    if not isinstance(block, Mapping):
        raise PolicyError(f"{name} must be an object, not {block!r}")
    if not block and name != "Condition":
        raise PolicyError(f"{name} names no condition key")
    return [(str(key), value) for key, value in block.items()]


def _parse_condition(name: str, key: str, raw: object, *, variables: bool) -> AnyCondition:
    if ":" not in key:
        raise PolicyError(f"condition key {key!r} has no prefix such as aws:")
    values = _condition_values(raw, name, key)
    if name == "Null":
        return NullCondition(key.lower(), frozenset(map(operands.read_boolean, values)))
    quantifier, bare_name, if_exists = _split_operator(name)
    known = OPERATORS.get(bare_name)
    if known is None:
        raise PolicyError(f"unknown condition operator {name!r}")
    try:
        parsed = known.parse(values, variables=variables)
    except PolicyError as error:
        raise PolicyError(f"{name} of {key}: {error}") from None
    return Condition(key.lower(), parsed, known.negated, quantifier, if_exists)


def _split_operator(name: str) -> tuple[Quantifier, str, bool]:
    quantifier = Quantifier.NONE
    for candidate in (Quantifier.ALL, Quantifier.ANY):
        if name.startswith(candidate.value):
            quantifier = candidate
    bare_name = name.removeprefix(quantifier.value)
    return quantifier, bare_name.removesuffix(_IF_EXISTS), bare_name.endswith(_IF_EXISTS)


def _condition_values(raw: object, name: str, key: str) -> list[str]:
    values = raw if isinstance(raw, list) else [raw]
    return [_condition_value(value, name, key) for value in values]


def _condition_value(value: object, name: str, key: str) -> str:
    """Quotation marks are optional for numbers and Booleans, says the policy grammar.

    Raises
    ------
    PolicyError
        It is none of these.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise PolicyError(f"{name} of {key}: {value!r} is not text, a number or a Boolean")

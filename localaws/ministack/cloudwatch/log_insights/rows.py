"""Log events as rows of fields, and conditions on them."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from localaws.patterns import Pattern

Value = str | float
Row = dict[str, Value]
Comparison = Literal["=", "!=", "<", "<=", ">", ">="]


class Condition:
    """What a ``filter`` keeps."""

    def holds(self, row: Row) -> bool:
        raise NotImplementedError


@dataclass(frozen=True)
class Compare(Condition):
    """A field against a value: as numbers when both are, otherwise as text."""

    field: str
    comparison: Comparison
    value: Value

    def holds(self, row: Row) -> bool:
        if self.field not in row:
            return self.comparison == "!="
        left, right = _comparable(row[self.field], self.value)
        return _COMPARISONS[self.comparison](left, right)


@dataclass(frozen=True)
class Like(Condition):
    """A field that a pattern is found in."""

    field: str
    pattern: Pattern

    def holds(self, row: Row) -> bool:
        return self.field in row and self.pattern.search(as_text(row[self.field])) is not None


@dataclass(frozen=True)
class IsPresent(Condition):
    """A row that has the field."""

    field: str

    def holds(self, row: Row) -> bool:
        return self.field in row


@dataclass(frozen=True)
class Not(Condition):
    """The opposite of a condition."""

    condition: Condition

    def holds(self, row: Row) -> bool:
        return not self.condition.holds(row)


@dataclass(frozen=True)
class Every(Condition):
    """All conditions at once."""

    conditions: tuple[Condition, ...]

    def holds(self, row: Row) -> bool:
        return all(condition.holds(row) for condition in self.conditions)


@dataclass(frozen=True)
class Either(Condition):
    """At least one of the conditions."""

    conditions: tuple[Condition, ...]

    def holds(self, row: Row) -> bool:
        return any(condition.holds(row) for condition in self.conditions)


def as_number(value: Value) -> float | None:
    """The value as a number; None when it is none, or infinite."""
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def as_text(value: Value) -> str:
    """The value as a result shows it: whole numbers without a point."""
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() else f"{value:.10g}"
    return value


def _comparable(left: Value, right: Value) -> tuple[Value, Value]:
    numbers = as_number(left), as_number(right)
    if numbers[0] is not None and numbers[1] is not None:
        return numbers[0], numbers[1]
    return as_text(left), as_text(right)


_COMPARISONS: dict[Comparison, Callable[[Value, Value], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,  # type: ignore[operator]  # both are numbers, or both are text
    "<=": lambda a, b: a <= b,  # type: ignore[operator]
    ">": lambda a, b: a > b,  # type: ignore[operator]
    ">=": lambda a, b: a >= b,  # type: ignore[operator]
}

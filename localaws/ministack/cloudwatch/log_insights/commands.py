"""The commands of a query: each makes rows of rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from localaws.ministack.cloudwatch.log_insights.rows import (
    Condition,
    Row,
    Value,
    as_number,
    as_text,
)
from localaws.patterns import Pattern

TIMESTAMP = "@timestamp"


class Command:
    """One step of a query."""

    def apply(self, rows: list[Row]) -> list[Row]:
        raise NotImplementedError


@dataclass(frozen=True)
class Filter(Command):
    """Keep the rows for which the condition holds."""

    condition: Condition

    def apply(self, rows: list[Row]) -> list[Row]:
        return [row for row in rows if self.condition.holds(row)]


@dataclass(frozen=True)
class Parse(Command):
    """Add what the pattern's groups hold as fields, where the pattern is found.

    ``names`` are those of the groups in their order, or empty where the pattern names them itself.
    """

    field: str
    pattern: Pattern
    names: tuple[str, ...] = ()

    def apply(self, rows: list[Row]) -> list[Row]:
        return [row | self._found(row) for row in rows]

    def _found(self, row: Row) -> Row:
        match = self.pattern.search(as_text(row.get(self.field, "")))
        if match is None:
            return {}
        groups = match.groupdict() or {
            name: match.group(number) for number, name in enumerate(self.names, start=1)
        }
        return {name: text for name, text in groups.items() if text is not None}


@dataclass(frozen=True)
class Sort(Command):
    """Order by a field: numbers before text, rows without the field last."""

    field: str
    descending: bool

    def apply(self, rows: list[Row]) -> list[Row]:
        present = [row for row in rows if self.field in row]
        absent = [row for row in rows if self.field not in row]
        return sorted(present, key=self._key, reverse=self.descending) + absent

    def _key(self, row: Row) -> tuple[bool, float, str]:
        number = as_number(row[self.field])
        return (number is None, number or 0.0, as_text(row[self.field]))


@dataclass(frozen=True)
class Limit(Command):
    """Keep the first rows."""

    count: int

    def apply(self, rows: list[Row]) -> list[Row]:
        return rows[: self.count]


@dataclass(frozen=True)
class Aggregate:
    """One statistic of the rows of a group; ``field`` is None for ``count(*)``."""

    name: str
    function: str
    field: str | None = None
    percentile: float = 50.0

    def of(self, rows: Sequence[Row]) -> Value | None:
        """The statistic; None when no row has a value for it."""
        if self.field is None:
            return float(len(rows))
        values = [row[self.field] for row in rows if self.field in row]
        if self.function == "count":
            return float(len(values))
        if self.function == "count_distinct":
            return float(len({as_text(value) for value in values}))
        numbers = [number for value in values if (number := as_number(value)) is not None]
        return self._of_numbers(numbers) if numbers else None

    def _of_numbers(self, numbers: Sequence[float]) -> float:
        match self.function:
            case "sum":
                return sum(numbers)
            case "avg":
                return sum(numbers) / len(numbers)
            case "min":
                return min(numbers)
            case "max":
                return max(numbers)
            case _:
                import numpy as np  # here, since every start of the server would wait for it

                return float(np.percentile(numbers, self.percentile))


@dataclass(frozen=True)
class Group:
    """What rows are grouped by: a field, or the period of ``bin_seconds`` that they fall into."""

    name: str
    bin_seconds: float | None = None

    def of(self, row: Row) -> str:
        if self.bin_seconds is None:
            return as_text(row.get(self.name, ""))
        moment = _seconds(as_text(row.get(TIMESTAMP, "")))
        if moment is None:
            return ""
        return timestamp_text(moment // self.bin_seconds * self.bin_seconds)


@dataclass(frozen=True)
class Stats(Command):
    """One row a group, with its statistics."""

    aggregates: tuple[Aggregate, ...]
    groups: tuple[Group, ...] = ()

    def apply(self, rows: list[Row]) -> list[Row]:
        by_key: dict[tuple[str, ...], list[Row]] = {}
        for row in rows:
            by_key.setdefault(tuple(group.of(row) for group in self.groups), []).append(row)
        return [self._row(key, members) for key, members in by_key.items()]

    def _row(self, key: tuple[str, ...], rows: Sequence[Row]) -> Row:
        made: Row = dict(zip((group.name for group in self.groups), key, strict=True))
        for aggregate in self.aggregates:
            value = aggregate.of(rows)
            if value is not None:
                made[aggregate.name] = value
        return made


def timestamp_text(seconds: float) -> str:
    """A moment as Insights shows it, in UTC with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def _seconds(timestamp: str) -> float | None:
    """The moment that a row's @timestamp names; None once a command has put other text there."""
    try:
        return datetime.fromisoformat(timestamp).replace(tzinfo=UTC).timestamp()
    except (OverflowError, ValueError):
        return None

"""Rows of a schema: one array a column."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fleet.column import EPOCH, Column, Kind, Missing
from fleet.schema import Schema

Values = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Table:
    """The rows of one entity, of shape (n,) in every column.

    Parameters
    ----------
    schema
        What the columns are.
    values
        By column name: float64 for numbers and for dates (days since 1970-01-01), NaN where a
        cell was empty; text for yes/no (``y``, ``n``) and categories, empty where a cell was.
    label
        As ``values``; None where it is not known.
    """

    schema: Schema
    values: Mapping[str, Values]
    label: Values | None = None

    def __len__(self) -> int:
        return len(next(iter(self.values.values())))

    def __getitem__(self, name: str) -> Values:
        return self.values[name]

    def take(self, rows: NDArray[np.int64]) -> Self:
        """The rows of these numbers, in this order."""
        label = None if self.label is None else self.label[rows]
        return replace(self, values={k: v[rows] for k, v in self.values.items()}, label=label)

    def without_label(self) -> Self:
        """The same rows with their labels unknown."""
        return replace(self, label=None)

    @property
    def label_numbers(self) -> NDArray[np.float64]:
        """The labels as Linear Learner takes them: a class is its number in the schema.

        Raises
        ------
        ValueError
            They are not known.
        """
        if self.label is None:
            raise ValueError("the labels of these rows are not known")
        if self.schema.label.kind.is_numeric:
            return self.label.astype(np.float64)
        numbers = {value: number for number, value in enumerate(self.schema.classes)}
        return np.array([numbers[value] for value in self.label.tolist()], dtype=np.float64)

    def cells(self, column: Column) -> list[str]:
        """A column as the bucket's CSV files have it; numbers read back as the same numbers."""
        is_label = column.name == self.schema.label.name and column.name not in self.values
        values = self.label if is_label else self.values[column.name]
        return [] if values is None else _texts(column, values)

    def to_csv(self) -> str:
        """Headerless CSV in the schema's order, the label last where it is known."""
        columns = self.schema.columns if self.label is None else self.schema.all_columns
        rows = zip(*(self.cells(column) for column in columns), strict=True)
        if not any(column.kind is Kind.CATEGORY for column in columns):
            return "".join(f"{','.join(row)}\n" for row in rows)
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        return text.getvalue()


def _texts(column: Column, values: Values) -> list[str]:
    if not column.kind.is_numeric:
        return list(values.tolist())
    write = {Kind.NUMBER: repr, Kind.INTEGER: _whole, Kind.DATE: _day}[column.kind]
    if column.missing is Missing.REFUSE:
        return [write(number) for number in values.tolist()]
    return ["" if number != number else write(number) for number in values.tolist()]


def _whole(number: float) -> str:
    return str(int(number))


def _day(number: float) -> str:
    return date.fromordinal(EPOCH.toordinal() + int(number)).isoformat()


def columns_of(table: Table) -> dict[str, list[float] | list[str]]:
    """The features' columns by name: numbers, or text; without what is missing."""
    return {
        column.name: [
            value for value in table[column.name].tolist() if value == value and value != ""
        ]
        for column in table.schema.columns
    }


def empty_values(column: Column) -> float | str:
    """What stands for an empty cell of a column."""
    return np.nan if column.kind.is_numeric else ""


def make_values(column: Column, parsed: Sequence[float | str]) -> Values:
    """The array of parsed cells."""
    if column.kind.is_numeric:
        return np.array(parsed, dtype=np.float64)
    return np.array(parsed, dtype=np.str_) if parsed else np.empty(0, dtype=np.str_)


def split(table: Table, fraction: float, seed: int = 0) -> tuple[Table, Table]:
    """Shuffle and cut into two; the first part takes ``fraction`` of the rows, none is lost."""
    order = np.random.default_rng(seed).permutation(len(table))
    cut = round(fraction * len(table))
    return table.take(order[:cut]), table.take(order[cut:])

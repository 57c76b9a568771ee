"""How good predictions are, and whether the rows are of the kind that was trained on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from fleet.column import EPOCH, Column, Kind
from fleet.words import significant
from training.endpoint import Prediction
from training.table import Table

Ranges = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Judgement:
    """Errors on labelled rows, beside those of the best constant answer to the same rows."""

    name: str
    value: str
    baseline_name: str
    baseline: str

    @property
    def line(self) -> str:
        """For a person."""
        return f"{self.name} {self.value}; {self.baseline_name}: {self.baseline}"


def judge(prediction: Prediction, table: Table) -> Judgement:
    """Hold predictions against the labels of the rows."""
    true = table.label_numbers
    if prediction.classes is None:
        unit = table.schema.label.unit
        error = float(np.abs(prediction.scores - true).mean())
        constant = float(np.abs(np.median(true) - true).mean())
        return Judgement(
            "MAE",
            unit + significant(error),
            "of the median of these rows",
            unit + significant(constant),
        )
    right = float((prediction.classes == true).mean())
    _, counts = np.unique(true, return_counts=True)
    return Judgement(
        "accuracy",
        f"{right:.1%}",
        "of the most frequent class of these rows",
        f"{float(counts.max() / counts.sum()):.1%}",
    )


def out_of_range(table: Table, ranges: Ranges) -> list[list[str]]:
    """Of each row, the columns whose values no row of the training had."""
    flags: list[list[str]] = [[] for _ in range(len(table))]
    for column in table.schema.columns:
        if column.name not in ranges:
            continue
        low, high = ranges[column.name]
        values = table[column.name]
        for row in np.flatnonzero((values < low) | (values > high)):
            flags[row].append(column.name)
    return flags


def range_lines(table: Table, ranges: Ranges, flags: list[list[str]]) -> Iterator[str]:
    """A line for each column that has values outside of what was trained on."""
    for column in table.schema.columns:
        rows = [number for number, names in enumerate(flags) if column.name in names]
        if not rows:
            continue
        low, high = (_shown(column, value) for value in ranges[column.name])
        first = _shown(column, float(table[column.name][rows[0]]))
        others = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
        yield f"{column.name} {first}{others}: trained on {low} to {high}; do not rely on it"


def _shown(column: Column, value: float) -> str:
    if column.kind is Kind.DATE:
        return date.fromordinal(EPOCH.toordinal() + int(value)).isoformat()
    return f"{value:g}" if abs(value) < 1e6 else f"{value:,.6g}"

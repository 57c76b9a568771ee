"""What ``housing predict`` says: a table, JSON, or the rows as they came with what is predicted."""

import csv
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TextIO

from fleet.console import Console
from fleet.drift import SHIFTED
from fleet.schema import HOUSES, Schema
from fleet.versions import Version
from fleet.words import significant
from training.endpoint import Prediction
from training.judgement import Judgement, Ranges, judge, out_of_range, range_lines
from training.reader import Rows
from training.table import Table


@dataclass(frozen=True)
class Report:
    """What one version's model says of rows.

    Parameters
    ----------
    version
        Whose model answered.
    table, prediction
        The rows, and the answers.
    ranges
        What each column was trained on.
    drift
        The population stability index of each column; nothing of rows too few to tell.
    """

    version: Version
    table: Table
    prediction: Prediction
    ranges: Ranges
    drift: Mapping[str, float]

    @property
    def schema(self) -> Schema:
        """The columns."""
        return self.table.schema

    @cached_property
    def flags(self) -> list[list[str]]:
        """Of each row, the columns whose values no row of the training had."""
        return out_of_range(self.table, self.ranges)

    @cached_property
    def judged(self) -> Judgement | None:
        """The errors, where the labels are known."""
        return None if self.table.label is None else judge(self.prediction, self.table)

    def as_json(self) -> dict[str, object]:
        """All of it as JSON values."""
        schema, prediction, judged = self.schema, self.prediction, self.judged
        predicted: dict[str, object]
        if prediction.classes is None:
            scores = prediction.scores.tolist()
            predicted = (
                {"prices": [round(score, 2) for score in scores]}  # in cents
                if schema == HOUSES
                else {"predictions": scores}
            )
        else:
            predicted = {
                "predictions": prediction.values(schema),
                "scores": prediction.scores.tolist(),
            }
        return {
            "city": self.version.trained.title,
            "target_model": self.version.target_model,
            **predicted,
            "milliseconds": [round(1000 * seconds, 3) for seconds in prediction.seconds],
            "out_of_range": self.flags,
            **({judged.name.lower(): judged.value, "baseline": judged.baseline} if judged else {}),
            **({"drift": self.drift} if self.drift else {}),
        }

    def print(self, console: Console) -> None:
        """The table."""
        schema, trained = self.schema, self.version.trained
        cells = zip(*map(self.table.cells, schema.columns), strict=True)
        rows = [
            [*row, significant(value) if isinstance(value, float) else value]
            for row, value in zip(cells, self.prediction.values(schema), strict=True)
        ]
        predicted = f"predicted {schema.label.title} {schema.label.unit}".rstrip()
        columns = [*(column.title for column in schema.columns), predicted]
        console.table(f"{trained.title}: {self.version.target_model}", columns, rows)

    def print_notes(self, console: Console) -> None:
        """What to know of the answers, warnings on standard error."""
        for line in range_lines(self.table, self.ranges, self.flags):
            print(line, file=sys.stderr)
        if self.judged is not None:
            console.say(f"on these {len(self.table):,} rows: {self.judged.line}")
        milliseconds = ", ".join(f"{1000 * seconds:.1f} ms" for seconds in self.prediction.seconds)
        console.say(f"latency: {milliseconds}  (--trace tells whether the model was cold)")
        for name, index in self.drift.items():
            if index > SHIFTED:
                print(
                    f"{name} has shifted from the training rows: its population stability index"
                    f" is {index:.2f}, and {SHIFTED:g} is much",
                    file=sys.stderr,
                )

    def write(self, output: Path | TextIO, rows: Rows | None) -> None:
        """The rows as they came, ids and all, with what is predicted behind them."""
        if isinstance(output, Path):
            with output.open("w", encoding="utf-8", newline="") as stream:
                self.write(stream, rows)
            return
        schema = self.schema
        if rows is None:
            header = list(schema.names)
            lines = [list(row) for row in zip(*map(self.table.cells, schema.columns), strict=True)]
        else:
            header = list(rows.sheet.header)
            lines = [list(row) for _, row in rows.sheet.rows]
        writer = csv.writer(output, lineterminator="\n")
        writer.writerow([*header, f"PREDICTED_{schema.label.name}", "OUT_OF_RANGE"])
        values = self.prediction.values(schema)
        for cells, value, outside in zip(lines, values, self.flags, strict=True):
            writer.writerow([*cells, value, " ".join(outside)])

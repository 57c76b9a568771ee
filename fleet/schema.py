"""The columns of a table: what each is called, holds and may be; everything else follows from it.

The reader, its checks, the preprocessor, ``feature_dim`` and ``predictor_type`` of Linear Learner,
the options of ``housing predict`` and the documentation are made from one ``Schema``. Houses are
the one that ships; ``housing init`` proposes another, which is the file ``schema.json`` beside
cdk.json.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Self

from fleet.column import Column, Kind, Missing, Unknown, as_json, from_json, problems_of

MAX_COLUMNS = 10_000


class PredictorType(StrEnum):
    """Linear Learner's hyperparameter ``predictor_type``."""

    REGRESSOR = "regressor"
    BINARY = "binary_classifier"
    MULTICLASS = "multiclass_classifier"


@dataclass(frozen=True, kw_only=True)
class Schema:
    """All columns of a table.

    Parameters
    ----------
    columns
        The features' columns, in the order of the bucket's CSV files.
    label
        What is predicted; the last column where it is known.
    row
        What one row is called, for example ``house``.
    entity
        What has a model of its own, for example ``city``.
    entity_column
        Name of the column that tells a row's entity; None where each entity has a file.

    Raises
    ------
    ValueError
        The columns contradict each other; the text has a line for each fault.
    """

    columns: tuple[Column, ...]
    label: Column
    row: str = "row"
    entity: str = "entity"
    entity_column: str | None = None

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise ValueError("\n".join(problems))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the features' columns."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def all_columns(self) -> tuple[Column, ...]:
        """The features' columns and the label."""
        return (*self.columns, self.label)

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """What the preprocessor gives Linear Learner, in this order."""
        return tuple(name for column in self.columns for name in column.features)

    @property
    def feature_dim(self) -> int:
        """Linear Learner's hyperparameter: how many features there are."""
        return len(self.feature_names)

    @property
    def predictor_type(self) -> PredictorType:
        """What kind of label it is decides what Linear Learner is to be."""
        if self.label.kind.is_numeric:
            return PredictorType.REGRESSOR
        return PredictorType.BINARY if len(self.classes) == 2 else PredictorType.MULTICLASS

    @property
    def classes(self) -> tuple[str, ...]:
        """The label's values in the order of their numbers; none where it is a number."""
        return self.label.values

    @property
    def hyperparameters(self) -> dict[str, str]:
        """Those of Linear Learner that the schema decides."""
        decided = {"feature_dim": str(self.feature_dim), "predictor_type": self.predictor_type}
        match self.predictor_type:
            case PredictorType.REGRESSOR:
                decided["loss"] = "absolute_loss"
            case PredictorType.MULTICLASS:
                decided["num_classes"] = str(len(self.classes))
        return {name: str(value) for name, value in decided.items()}

    @property
    def sample_row(self) -> str:
        """A line of features that every check lets pass: what is asked where no row is at hand."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(column.sample for column in self.columns)
        return text.getvalue()

    def column(self, name: str) -> Column:
        """The column of this name, the label included.

        Raises
        ------
        KeyError
            There is none.
        """
        for column in self.all_columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def to_json(self) -> str:
        """The text of a ``schema.json``; fields that hold their defaults are left out."""
        document = {
            "row": self.row,
            "entity": self.entity,
            **({"entityColumn": self.entity_column} if self.entity_column else {}),
            "label": as_json(self.label),
            "columns": [as_json(column) for column in self.columns],
        }
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a ``schema.json``.

        Raises
        ------
        ValueError
            It is none; the text says where.
        """
        document = json.loads(text)
        if not isinstance(document, Mapping):
            raise ValueError("a schema is a JSON object")
        known = {"row", "entity", "entityColumn", "label", "columns"}
        if unknown := sorted(document.keys() - known):
            raise ValueError(f"{unknown[0]!r} is unknown; allowed: {', '.join(sorted(known))}")
        if not isinstance(document.get("columns"), Sequence) or "label" not in document:
            raise ValueError("a schema has columns and a label")
        return cls(
            columns=tuple(from_json(entry) for entry in document["columns"]),
            label=from_json(document["label"]),
            row=str(document.get("row", "row")),
            entity=str(document.get("entity", "entity")),
            entity_column=document.get("entityColumn"),
        )


def _problems(schema: Schema) -> list[str]:
    problems = []
    if not 0 < len(schema.columns) <= MAX_COLUMNS:
        problems.append(f"{len(schema.columns)} columns; allowed: 1 to {MAX_COLUMNS:,}")
    names = [column.name for column in schema.all_columns]
    if schema.entity_column:
        names.append(schema.entity_column)
    problems += [
        f"column {name} appears twice" for name in sorted(set(names)) if names.count(name) > 1
    ]
    for column in schema.all_columns:
        problems += [f"column {column.name}: {problem}" for problem in problems_of(column)]
    if schema.label.missing is not Missing.REFUSE or schema.label.unknown is not Unknown.REFUSE:
        problems.append(f"label {schema.label.name}: is neither imputed nor pooled")
    return problems


def _number(name: str, default: str, minimum: float, maximum: float, **more: Any) -> Column:
    return Column(
        name=name, kind=Kind.NUMBER, minimum=minimum, maximum=maximum, default=default, **more
    )


def _count(name: str, default: str, minimum: float, maximum: float) -> Column:
    return Column(name=name, kind=Kind.INTEGER, minimum=minimum, maximum=maximum, default=default)


HOUSES = Schema(
    row="house",
    entity="city",
    columns=(
        _count("YEAR_BUILT", "2000", 1000, 9999),
        _number("SQUARE_FEET", "3000", 1, 1e6),
        _count("NUM_BEDROOMS", "3", 0, 1000),
        _number("NUM_BATHROOMS", "2", 0, 1000),
        _number("LOT_ACRES", "1.0", 0, 1e6),
        _count("GARAGE_SPACES", "2", 0, 1000),
        Column(name="FRONT_PORCH", kind=Kind.YES_NO, default="n"),
        Column(name="DECK", kind=Kind.YES_NO, default="y"),
    ),
    label=Column(name="PRICE", kind=Kind.NUMBER, minimum=0.01, maximum=1e12, unit="$"),
)
"""The houses of AWS's example notebook ``multi_model_linear_learner_home_value``."""

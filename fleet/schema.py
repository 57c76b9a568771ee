"""The columns of a table: what each is called, holds and may be; everything else follows from it.

The reader, its checks, the preprocessor, ``feature_dim`` and ``predictor_type`` of Linear Learner,
the options of ``housing predict`` and the documentation are made from one ``Schema``. Houses are
the one that ships; ``housing init`` proposes another, which is the file ``schema.json`` beside
cdk.json.

This file imports the standard library alone: a job may carry it along as it is.
"""

import csv
import io
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Any, Self

EPOCH = date(1970, 1, 1)
YES, NO = "y", "n"
OTHER = "other"
"""Name of the feature that unknown categories share, where they are pooled."""
MAX_CATEGORIES = 1_000
MAX_COLUMNS = 10_000
_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,63}")


class Kind(StrEnum):
    """What a column holds, and how a cell of the bucket's CSV files is written."""

    NUMBER = "number"
    """``1316.5``"""
    INTEGER = "integer"
    """``3``"""
    YES_NO = "yes_no"
    """``y`` or ``n``"""
    CATEGORY = "category"
    """One of the schema's categories, to the letter."""
    DATE = "date"
    """``2026-11-27``; a feature counts its days since 1970-01-01."""

    @property
    def is_numeric(self) -> bool:
        """Whether the column becomes one standardised number; otherwise it is one-hot encoded."""
        return self in (Kind.NUMBER, Kind.INTEGER, Kind.DATE)


class Missing(StrEnum):
    """What an empty cell means."""

    REFUSE = "refuse"
    IMPUTE = "impute"
    """A number is the mean of the rows that the preprocessor was fitted on; a yes/no or a category
    is none of its values."""


class Unknown(StrEnum):
    """What a category that the schema does not know means."""

    REFUSE = "refuse"
    POOL = "pool"
    """All unknown ones are one category, ``other``."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column.

    Parameters
    ----------
    name
        In capitals, as in the first line of a CSV file; readers see through spellings.
    kind
        What it holds.
    minimum, maximum
        Of numbers, in days since 1970-01-01 of dates: values outside are refused.
    default
        Of the option of ``housing predict``, as text; None where the value has to be given.
    categories
        Of ``Kind.CATEGORY``, in the order of their features.
    missing, unknown
        What empty cells and unknown categories mean.
    unit
        Shown beside numbers, for example ``$``.
    """

    name: str
    kind: Kind
    minimum: float | None = None
    maximum: float | None = None
    default: str | None = None
    categories: tuple[str, ...] = ()
    missing: Missing = Missing.REFUSE
    unknown: Unknown = Unknown.REFUSE
    unit: str = ""

    @property
    def option(self) -> str:
        """``--square-feet`` for SQUARE_FEET."""
        return "--" + self.name.lower().replace("_", "-")

    @property
    def title(self) -> str:
        """``square feet`` for SQUARE_FEET."""
        return self.name.lower().replace("_", " ")

    @property
    def values(self) -> tuple[str, ...]:
        """What is one-hot encoded, in the order of the features; nothing for numbers."""
        if self.kind is Kind.YES_NO:
            return (NO, YES)
        pooled = (OTHER,) if self.unknown is Unknown.POOL else ()
        return (*self.categories, *pooled) if self.kind is Kind.CATEGORY else ()

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features that the preprocessor makes of it."""
        if self.kind.is_numeric:
            return (self.name,)
        return tuple(f"{self.name}_{value}" for value in self.values)

    @property
    def sample(self) -> str:
        """A cell that is allowed, as the bucket's CSV files have it."""
        if self.values:
            return self.values[0]
        low = -math.inf if self.minimum is None else self.minimum
        high = math.inf if self.maximum is None else self.maximum
        if self.kind is Kind.DATE:
            return date.fromordinal(EPOCH.toordinal() + int(min(max(0, low), high))).isoformat()
        return self.default or f"{min(max(0, low), high):.15g}"

    @property
    def allowed(self) -> str:
        """In words, what a cell may hold."""
        match self.kind:
            case Kind.YES_NO:
                return "y or n"
            case Kind.CATEGORY:
                shown = ", ".join(self.categories[:8])
                more = len(self.categories) - 8
                return f"one of {shown}" + (f" and {more} more" if more > 0 else "")
            case Kind.DATE:
                return "a date such as 2026-11-27"
        what = "a whole number" if self.kind is Kind.INTEGER else "a number"
        low, high = (None if x is None else f"{x:,.15g}" for x in (self.minimum, self.maximum))
        if low and high:
            return f"{what} from {low} to {high}"
        return f"{what} of at least {low}" if low else f"{what} up to {high}" if high else what


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
            "label": _plain(self.label),
            "columns": [_plain(column) for column in self.columns],
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
            columns=tuple(_column(entry) for entry in document["columns"]),
            label=_column(document["label"]),
            row=str(document.get("row", "row")),
            entity=str(document.get("entity", "entity")),
            entity_column=document.get("entityColumn"),
        )


def _plain(column: Column) -> dict[str, Any]:
    defaults = {"minimum": None, "maximum": None, "default": None, "categories": (), "unit": ""}
    defaults |= {"missing": Missing.REFUSE, "unknown": Unknown.REFUSE}
    return {
        name: value
        for name, value in asdict(column).items()
        if name not in defaults or value != defaults[name]
    }


def _column(entry: Any) -> Column:
    if not isinstance(entry, Mapping) or "name" not in entry or "kind" not in entry:
        raise ValueError(f"a column is an object with name and kind; it is {entry!r}")
    name = str(entry["name"])
    known = set(Column.__dataclass_fields__)
    if unknown := sorted(entry.keys() - known):
        raise ValueError(f"{name}.{unknown[0]} is unknown; allowed: {', '.join(sorted(known))}")
    choices = {"kind": Kind, "missing": Missing, "unknown": Unknown}
    values: dict[str, Any] = dict(entry)
    for key, choice in choices.items():
        if key in values:
            try:
                values[key] = choice(values[key])
            except ValueError:
                allowed = ", ".join(choice)
                raise ValueError(f"{name}.{key} is {values[key]!r}; allowed: {allowed}") from None
    values["categories"] = tuple(map(str, values.get("categories", ())))
    for key in ("minimum", "maximum"):
        number = values.get(key)
        if isinstance(number, bool) or not isinstance(number, int | float | None):
            raise ValueError(f"{name}.{key} is {number!r}; it has to be a number")
    if values.get("default") is not None:
        values["default"] = str(values["default"])
    return Column(**values)


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
        problems += [f"column {column.name}: {problem}" for problem in _column_problems(column)]
    if schema.label.missing is not Missing.REFUSE or schema.label.unknown is not Unknown.REFUSE:
        problems.append(f"label {schema.label.name}: is neither imputed nor pooled")
    return problems


def _column_problems(column: Column) -> list[str]:
    problems = []
    if not _NAME.fullmatch(column.name):
        problems.append("a name has capitals, digits and _ only, at most 64, a letter first")
    numbers = [x for x in (column.minimum, column.maximum) if x is not None]
    if not all(map(math.isfinite, numbers)) or (len(numbers) == 2 and numbers[0] > numbers[1]):
        problems.append(f"minimum {column.minimum} and maximum {column.maximum} are no range")
    if numbers and not column.kind.is_numeric:
        problems.append(f"a {column.kind} column has no minimum and maximum")
    if column.kind is Kind.CATEGORY:
        distinct = set(column.categories)
        if not 2 <= len(distinct) <= MAX_CATEGORIES or len(distinct) < len(column.categories):
            problems.append(f"needs 2 to {MAX_CATEGORIES:,} different categories")
        if any(not c.strip() or not c.isprintable() for c in distinct) or (
            OTHER in distinct and column.unknown is Unknown.POOL
        ):
            problems.append(f"a category is printable text, and not {OTHER!r} where others pool")
    elif column.categories or column.unknown is not Unknown.REFUSE:
        problems.append(f"a {column.kind} column has no categories")
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

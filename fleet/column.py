"""One column of a table: what it is called, holds and may be.

This file imports the standard library alone.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from typing import Any

EPOCH = date(1970, 1, 1)
YES, NO = "y", "n"
OTHER = "other"
"""Name of the feature that unknown categories share, where they are pooled."""
MAX_CATEGORIES = 1_000
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


def as_json(column: Column) -> dict[str, Any]:
    """The JSON object of a column; fields that hold their defaults are left out."""
    defaults = {"minimum": None, "maximum": None, "default": None, "categories": (), "unit": ""}
    defaults |= {"missing": Missing.REFUSE, "unknown": Unknown.REFUSE}
    return {
        name: value
        for name, value in asdict(column).items()
        if name not in defaults or value != defaults[name]
    }


def from_json(entry: Any) -> Column:
    """The column of a JSON object.

    Raises
    ------
    ValueError
        It is none; the text says why.
    """
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


def problems_of(column: Column) -> list[str]:
    """What contradicts itself in a column."""
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

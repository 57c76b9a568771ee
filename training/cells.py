"""What the cells of people's CSV files mean: numbers, yes and no, dates, as spreadsheets write.

A file is written in one way: whether its decimals have a comma, and whether its dates begin with
the day, is found out from all cells of the file and of the column.
"""

import calendar
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from fleet.column import EPOCH, NO, OTHER, YES, Column, Kind, Missing, Unknown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "-", "–", "?", "."})
DECIDED = 1_000
"""By so many cells more than contradict, it is known how a file writes its numbers."""
YES_WORDS = frozenset({"y", "yes", "true", "t", "1", "1.0"})
NO_WORDS = frozenset({"n", "no", "false", "f", "0", "0.0"})

_CURRENCY = re.compile(r"[$€£¥₹]|\b(?:USD|EUR|GBP|CHF|JPY|AUD|CAD|INR)\b", re.IGNORECASE)
_SPACES = re.compile(r"[\s\u00a0\u2009\u202f'’]+")
_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_GROUPED_BY_COMMA = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_GROUPED_BY_POINT = re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+(?:,\d+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+")
_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_DAY_FIRST_OR_MONTH_FIRST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})[-/.](\d{4})")
_NAMED_MONTH = re.compile(r"(\d{1,2})[-. ]([A-Za-z]{3,9})[-. ](\d{4})")
_MONTHS = [name.lower() for name in calendar.month_name]
_TIME = re.compile(r"[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?$")


class CellError(ValueError):
    """A cell that cannot be used; the text says what is wrong, and what would be right."""


@dataclass(frozen=True)
class Dialect:
    """How a file writes its numbers."""

    decimal_comma: bool = False

    @property
    def title(self) -> str:
        return "decimal comma" if self.decimal_comma else ""


def bare(cell: str) -> str:
    """A number's text without currency signs, blanks and apostrophes."""
    return _SPACES.sub("", _CURRENCY.sub("", cell))


def is_missing(cell: str) -> bool:
    """Whether a cell stands for nothing."""
    return cell.strip().lower() in MISSING


def find_dialect(cells: Iterable[str]) -> Dialect:
    """How these cells write numbers: with a comma only where that alone explains some of them."""
    commas = points = 0
    for cell in cells:
        if "," not in cell and "." not in cell:
            continue
        if abs(commas - points) == DECIDED:
            break
        text = bare(cell)
        if _PLAIN.fullmatch(text) and not _GROUPED_BY_POINT.fullmatch(text):
            points += "." in text
        elif "," in text and not _GROUPED_BY_COMMA.fullmatch(text):
            commas += bool(_DECIMAL_COMMA.fullmatch(text) or _GROUPED_BY_POINT.fullmatch(text))
        elif _GROUPED_BY_COMMA.fullmatch(text) and "." in text:
            points += 1
        elif _GROUPED_BY_POINT.fullmatch(text) and text.count(".") > 1:
            commas += 1
    return Dialect(decimal_comma=commas > points)


def number(cell: str, dialect: Dialect) -> float:
    """The number in a cell.

    Raises
    ------
    CellError
        There is none.
    """
    if not dialect.decimal_comma and "_" not in cell:
        try:
            value = float(cell)  # as nearly all are
        except ValueError:
            pass
        else:
            if math.isfinite(value):
                return value
    text = bare(cell)
    if dialect.decimal_comma:
        if _GROUPED_BY_POINT.fullmatch(text) or _DECIMAL_COMMA.fullmatch(text):
            text = text.replace(".", "").replace(",", ".")
    elif _GROUPED_BY_COMMA.fullmatch(text):
        text = text.replace(",", "")
    if not _PLAIN.fullmatch(text):
        raise CellError(f"{cell.strip()!r} is not a number")
    value = float(text)
    if not math.isfinite(value):
        raise CellError(f"{cell.strip()!r} is too large a number")
    return value


def plain_numbers(
    column: Column, dialect: Dialect, cells: Sequence[str]
) -> "NDArray[np.float64] | None":
    """All numbers of a column at once, where Python writes them so and each is allowed."""
    if column.kind not in (Kind.NUMBER, Kind.INTEGER) or dialect.decimal_comma:
        return None
    import numpy as np

    try:
        values = np.fromiter(map(float, cells), np.float64, len(cells))
    except ValueError:
        return None
    low, high = column.minimum, column.maximum
    if (
        not np.isfinite(values).all()
        or (column.kind is Kind.INTEGER and (values != np.floor(values)).any())
        or (low is not None and (values < low).any())
        or (high is not None and (values > high).any())
        or any("_" in cell for cell in cells)
    ):
        return None
    return values


def yes_no(cell: str) -> str:
    """``y`` or ``n``.

    Raises
    ------
    CellError
        It is neither.
    """
    word = cell.strip().lower()
    if word in YES_WORDS:
        return YES
    if word in NO_WORDS:
        return NO
    raise CellError(f"{cell.strip()!r} is neither y nor n")


def find_date_order(cells: Iterable[str]) -> str | None:
    """``dmy`` or ``mdy``, whichever these dates can only mean; None where both could be meant."""
    first_is_large = second_is_large = has_points = False
    for cell in cells:
        if match := _DAY_FIRST_OR_MONTH_FIRST.fullmatch(_TIME.sub("", cell.strip())):
            first_is_large |= int(match[1]) > 12
            second_is_large |= int(match[3]) > 12
            has_points |= match[2] == "."
    if first_is_large != second_is_large:
        return "dmy" if first_is_large else "mdy"
    return "dmy" if has_points and not second_is_large else None


def day(cell: str, order: str | None) -> float:
    """Days since 1970-01-01; a time of day is left out.

    Raises
    ------
    CellError
        It is no date, or could be two.
    """
    text = _TIME.sub("", cell.strip())
    try:
        if match := _ISO.fullmatch(text):
            found = date(int(match[1]), int(match[2]), int(match[3]))
        elif match := _DAY_FIRST_OR_MONTH_FIRST.fullmatch(text):
            a, b, year = int(match[1]), int(match[3]), int(match[4])
            if order is None and a != b:
                raise CellError(f"{cell.strip()!r} could be two dates; write {year}-{b:02}-{a:02}")
            found = date(year, b, a) if order == "dmy" else date(year, a, b)
        elif match := _NAMED_MONTH.fullmatch(text):
            word = match[2].lower()
            months = [n for n, m in enumerate(_MONTHS) if m[:3] == word or m == word]
            found = date(int(match[3]), months[0] if months else 0, int(match[1]))
        else:
            raise CellError(f"{cell.strip()!r} is not a date; write it as 2026-11-27")
    except CellError:
        raise
    except ValueError:
        raise CellError(f"{cell.strip()!r} is not a day of any calendar") from None
    return float(found.toordinal() - EPOCH.toordinal())


Parser = Callable[[str], float | str]


def parser_of(column: Column, dialect: Dialect, cells: Sequence[str] = ()) -> Parser:
    """From a cell's text to its value as ``Table`` has it; ``cells`` are all of its column.

    The parser raises ``CellError``, which names the cell and what is allowed.
    """
    parse = _present(column, dialect, cells)

    def value(cell: str) -> float | str:
        if column.kind is Kind.CATEGORY and cell.strip() in column.categories:
            return cell.strip()
        if is_missing(cell):
            if column.missing is Missing.IMPUTE:
                return math.nan if column.kind.is_numeric else ""
            raise CellError("missing")
        return parse(cell)

    return value


def _present(column: Column, dialect: Dialect, cells: Sequence[str]) -> Parser:
    match column.kind:
        case Kind.YES_NO:
            return yes_no
        case Kind.CATEGORY:
            return lambda cell: _category(column, cell)
        case Kind.DATE:
            order = find_date_order(set(cells))
            return lambda cell: _within(column, day(cell, order), cell)
        case Kind.INTEGER:
            return lambda cell: _within(column, _whole(number(cell, dialect), cell), cell)
    return lambda cell: _within(column, number(cell, dialect), cell)


def _whole(value: float, cell: str) -> float:
    if value != int(value):
        raise CellError(f"{cell.strip()!r} is not a whole number")
    return value


def _within(column: Column, value: float, cell: str) -> float:
    low, high = column.minimum, column.maximum
    if (low is not None and value < low) or (high is not None and value > high):
        raise CellError(f"{cell.strip()!r} is not {column.allowed}")
    return value


def _category(column: Column, cell: str) -> str:
    text = cell.strip()
    same = [c for c in column.categories if c.casefold() == text.casefold()]
    if len(same) == 1:
        return same[0]
    if column.unknown is Unknown.POOL:
        return OTHER
    raise CellError(f"{text!r} is not {column.allowed}")

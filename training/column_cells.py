"""What the columns of somebody's files hold, of which nothing is known yet."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import accumulate
from pathlib import Path

from fleet.column import EPOCH, Kind
from training.cells import (
    NO_WORDS,
    YES_WORDS,
    CellError,
    Dialect,
    day,
    find_date_order,
    find_dialect,
    is_missing,
    number,
)
from training.sheet import RowsError, Sheet, read_sheet_of

FEW_CLASSES = 10
"""Whole numbers of a label that are this few, and come back often, are taken for classes."""
MOST_ODD = 0.01
"""Share of a column's cells that may be something else than numbers or dates: they are told, and
refused when the rows are read."""


@dataclass(frozen=True)
class ColumnCells:
    """One column of all files.

    Parameters
    ----------
    title, name
        As the files write it, and as the schema does.
    cells
        From all rows.
    dialect
        How the files write numbers.
    """

    title: str
    name: str
    cells: Sequence[str]
    dialect: Dialect

    @cached_property
    def distinct(self) -> Counter[str]:
        """How often each value is there."""
        counts: Counter[str] = Counter()
        for cell, count in Counter(self.cells).items():
            if not is_missing(cell):
                counts[cell.strip()] += count
        return counts

    @cached_property
    def present(self) -> int:
        """How many cells hold something."""
        return self.distinct.total()

    @property
    def missing_share(self) -> float:
        """Share of the cells that hold nothing."""
        return 1 - self.present / len(self.cells) if self.cells else 1.0

    @cached_property
    def kind(self) -> Kind:
        """What nearly all cells hold."""
        words = {cell.lower() for cell in self.distinct}
        if words <= YES_WORDS | NO_WORDS and words & YES_WORDS and words & NO_WORDS:
            return Kind.YES_NO
        if self.numbers and self._are_few(self.distinct.keys() - self.numbers.keys()):
            is_whole = all(value == int(value) for value in self.numbers.values())
            return Kind.INTEGER if is_whole and not self._has_decimals else Kind.NUMBER
        if self._days and self._are_few(self.distinct.keys() - self._days):
            return Kind.DATE
        return Kind.CATEGORY

    @cached_property
    def numbers(self) -> dict[str, float]:
        """The values that are numbers."""
        found = {}
        for cell in self.distinct:
            with suppress(CellError):
                found[cell] = number(cell, self.dialect)
        return found

    @cached_property
    def _days(self) -> dict[str, float]:
        order = find_date_order(self.distinct)
        found = {}
        for cell in self.distinct:
            with suppress(CellError):
                found[cell] = day(cell, order)
        return found

    @property
    def _has_decimals(self) -> bool:
        decimal = "," if self.dialect.decimal_comma else "."
        return any(decimal in cell for cell in self.numbers)

    def _are_few(self, odd: Set[str]) -> bool:
        """Whether these are exceptions among many different numbers or dates."""
        if len(self.distinct) - len(odd) <= FEW_CLASSES:
            return not odd
        return sum(self.distinct[cell] for cell in odd) <= MOST_ODD * self.present

    @property
    def odd(self) -> Set[str]:
        """Values that are not what nearly all cells hold."""
        if self.kind is Kind.DATE:
            return self.distinct.keys() - self._days.keys()
        is_number = self.kind in (Kind.NUMBER, Kind.INTEGER)
        return self.distinct.keys() - self.numbers.keys() if is_number else set()

    @cached_property
    def middle(self) -> str:
        """The median, as a cell."""
        values = self._days if self.kind is Kind.DATE else self.numbers
        ordered = sorted(values, key=values.__getitem__)
        seen = accumulate(self.distinct[cell] for cell in ordered)
        half = sum(self.distinct[cell] for cell in ordered) / 2
        value = next(values[c] for c, n in zip(ordered, seen, strict=True) if n > half)
        if self.kind is Kind.DATE:
            return date.fromordinal(EPOCH.toordinal() + int(value)).isoformat()
        return f"{value:.15g}"


def read_sheets(files: Sequence[Path]) -> tuple[list[Sheet], list[str]]:
    """The files that have the columns most of them have, and why the others are not used.

    Raises
    ------
    RowsError
        None can be used.
    """
    sheets: list[Sheet] = []
    unread: list[str] = []
    for file in files:
        try:
            sheet = read_sheet_of(file)
        except RowsError as error:
            unread += error.problems
            continue
        titles = [title for title in sheet.header if title]
        twice = [title for title, count in Counter(map(column_name, titles)).items() if count > 1]
        if not sheet.rows:
            unread.append(f"{sheet.name}: no rows below the names of the columns")
        elif twice:
            shown = next(title for title in titles if column_name(title) == twice[0])
            unread.append(f"{sheet.name}: column {shown} appears twice")
        else:
            sheets.append(sheet)
    counts = Counter(column_name(title) for sheet in sheets for title in sheet.header if title)
    usual = {name for name, count in counts.items() if count > len(sheets) / 2}
    usable = []
    for sheet in sheets:
        if missing := sorted(usual - {column_name(title) for title in sheet.header}):
            unread.append(f"{sheet.name}: has no column {missing[0]}, as the other files have")
        else:
            usable.append(sheet)
    if not usable:
        raise RowsError(unread)
    return usable, unread


def columns_of(sheets: Sequence[Sheet]) -> list[ColumnCells]:
    """The columns that all files have, by their titles in the first."""
    places = [{column_name(title): i for i, title in enumerate(s.header) if title} for s in sheets]
    dialect = find_dialect(cell for sheet in sheets for _, row in sheet.rows for cell in row)
    columns = []
    for title in filter(None, sheets[0].header):
        name = column_name(title)
        if all(name in place for place in places):
            parts = zip(sheets, places, strict=True)
            cells = [cell for sheet, place in parts for cell in sheet.cells(place[name])]
            columns.append(ColumnCells(title, name, cells, dialect))
    return columns


def odd_cells(sheets: Sequence[Sheet], columns: Sequence[ColumnCells]) -> Iterator[str]:
    """A line for each column that has cells of another kind, with the first of them."""
    for column in columns:
        odd = column.odd
        if not odd:
            continue
        count = sum(column.distinct[cell] for cell in odd)
        sheet, line, cell = next(
            (sheet, line, row[place].strip())
            for sheet in sheets
            for place in [list(map(column_name, sheet.header)).index(column.name)]
            for line, row in sheet.rows
            if place < len(row) and row[place].strip() in odd
        )
        more = f" and {count - 1:,} more" if count > 1 else ""
        what = "a date" if column.kind is Kind.DATE else "a number"
        yield f"{sheet.name}, line {line}, {column.title}: {cell!r}{more} is not {what}"


def column_name(title: str) -> str:
    """``Square Feet`` is SQUARE_FEET; a name that begins with no letter gets one."""
    letters = unicodedata.normalize("NFKD", title)
    plain = "".join(c for c in letters if not unicodedata.combining(c))
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plain)
    name = re.sub(r"[^A-Z0-9]+", "_", plain.upper()).strip("_")
    return (name if name[:1].isalpha() else f"C_{name}")[:64].strip("_") or "C"

"""Reads houses out of CSV files, and says what is wrong with them cell by cell."""

import csv
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from fleet.errors import HousingError
from fleet.names import EntityNameError, check_entity
from training.houses import COLUMNS, FEATURE_COLUMNS, PRICE_COLUMN, Houses

PROBLEMS_SHOWN = 20


class HouseFileError(HousingError):
    """Files that cannot be used; ``problems`` names every cell, one line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        shown = list(self.problems[:PROBLEMS_SHOWN])
        if len(self.problems) > len(shown):
            shown.append(f"and {len(self.problems) - len(shown)} more")
        super().__init__("\n".join(shown))


def read_city_folder(directory: Path) -> dict[str, Houses]:
    """The houses of each ``<City>.csv`` in a folder, prices included.

    Raises ``HouseFileError`` with the problems of all files.
    """
    files = sorted(directory.glob("*.csv"))
    if not files:
        raise HouseFileError([f"{directory}: no <City>.csv in this folder"])
    houses = {}
    problems: list[str] = []
    for file in files:
        try:
            houses[check_entity(file.stem)] = read_houses(file, with_price=True)
        except EntityNameError as error:
            problems.append(f"{file}: {error}")
        except HouseFileError as error:
            problems += error.problems
    if problems:
        raise HouseFileError(problems)
    return houses


def read_houses(file: Path, *, with_price: bool) -> Houses:
    """Read a CSV file whose first line names the columns, in any order.

    Parameters
    ----------
    file
        UTF-8; the columns are those of ``training.houses.COLUMNS``.
    with_price
        Whether PRICE is needed; otherwise it may be missing and is not read.

    Raises
    ------
    HouseFileError
        Names each missing or unknown column, or the line and column of each bad cell.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            return _read(csv.reader(lines), file.name, with_price)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise HouseFileError([f"{file}: {error}"]) from None


def _read(reader: Iterable[list[str]], name: str, with_price: bool) -> Houses:
    numbered = [(line, row) for line, row in enumerate(reader, start=1) if any(row)]
    if not numbered:
        raise HouseFileError([f"{name}: empty; the first line names the columns"])
    (_, header), *rows = numbered
    needed = COLUMNS if with_price else FEATURE_COLUMNS
    places = _find_columns(header, needed, name)
    if not rows:
        raise HouseFileError([f"{name}: no houses"])
    problems = [
        f"{name}, line {line}, {problem}"
        for line, row in rows
        for problem in _problems(row, header, places)
    ]
    if problems:
        raise HouseFileError(problems)
    values = {
        column: np.array([PARSERS[column](row[place].strip()) for _, row in rows])
        for column, place in places.items()
    }
    return Houses(
        year_built=values["YEAR_BUILT"],
        square_feet=values["SQUARE_FEET"],
        bedrooms=values["NUM_BEDROOMS"],
        bathrooms=values["NUM_BATHROOMS"],
        lot_acres=values["LOT_ACRES"],
        garage_spaces=values["GARAGE_SPACES"],
        front_porch=values["FRONT_PORCH"],
        deck=values["DECK"],
        price=values.get(PRICE_COLUMN),
    )


def _find_columns(header: Sequence[str], needed: Sequence[str], name: str) -> dict[str, int]:
    names = [column.strip().upper() for column in header]
    problems = [f"{name}: column {column} is missing" for column in needed if column not in names]
    problems += [
        f"{name}: column {column!r} is not known; the columns are {', '.join(COLUMNS)}"
        for column, upper in zip(header, names, strict=True)
        if upper not in COLUMNS
    ]
    problems += [
        f"{name}: column {column} appears twice"
        for column in dict.fromkeys(names)
        if names.count(column) > 1
    ]
    if problems:
        raise HouseFileError(problems)
    return {column: names.index(column) for column in needed}


def _problems(row: Sequence[str], header: Sequence[str], places: dict[str, int]) -> list[str]:
    if len(row) != len(header):
        return [f"{len(row)} cells under {len(header)} columns"]
    problems = []
    for column, place in places.items():
        try:
            PARSERS[column](row[place].strip())
        except ValueError as error:
            problems.append(f"{column}: {error}")
    return problems


def _number(cell: str) -> float:
    try:
        number = float(cell)
    except ValueError:
        number = math.nan
    if not cell:
        raise ValueError("missing")
    if not math.isfinite(number) or "_" in cell:
        raise ValueError(f"{cell!r} is not a number")
    return number


def _positive(cell: str) -> float:
    number = _number(cell)
    if number <= 0:
        raise ValueError(f"{cell!r} is not above 0")
    return number


def _not_negative(cell: str) -> float:
    number = _number(cell)
    if number < 0:
        raise ValueError(f"{cell!r} is below 0")
    return number


def _count(cell: str) -> int:
    number = _not_negative(cell)
    if number != int(number):
        raise ValueError(f"{cell!r} is not a whole number")
    return int(number)


def _year(cell: str) -> int:
    year = _count(cell)
    if not 1000 <= year <= 9999:
        raise ValueError(f"{cell!r} is not a year of four digits")
    return year


def _yes_no(cell: str) -> bool:
    if not cell:
        raise ValueError("missing")
    if cell not in ("y", "n"):
        raise ValueError(f"{cell!r} is neither y nor n")
    return cell == "y"


PARSERS: dict[str, Callable[[str], float | int | bool]] = {
    "YEAR_BUILT": _year,
    "SQUARE_FEET": _positive,
    "NUM_BEDROOMS": _count,
    "NUM_BATHROOMS": _not_negative,
    "LOT_ACRES": _not_negative,
    "GARAGE_SPACES": _count,
    "FRONT_PORCH": _yes_no,
    "DECK": _yes_no,
    PRICE_COLUMN: _positive,
}
"""From a cell's text to its value; a ValueError says what is wrong with the cell."""

"""Reads a city's CSV file: at once where all cells are plain, cell by cell where one is not.

A plain file is read ten times as fast as Python's csv module does it, and the numbers have the same
bits as ``float`` of each cell gives: an integer below 2**53 over a power of ten up to 10**22 is
rounded once (Clinger, "How to read floating point numbers accurately", 1990). Longer integers are
divided in extended precision, where the processor has it, which is rounded a second time to a
double: that matters where the first result lies half-way between two doubles, and there alone.
"""

import csv
import io
import math
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

PROBLEMS_SHOWN = 5
COMMA, NEWLINE, DOT, ZERO = b",\n.0"
_MOST_DIGITS = 15
"""Of an integer that a double holds exactly; 10**15 is below 2**53."""
_MOST_DIGITS_EXTENDED = 18
"""Of one that fits 64 bits."""
_POWERS = 10.0 ** np.arange(23)
_EXTENDED_POWERS = np.cumprod(np.concatenate([[1], np.full(22, 10)]), dtype=np.longdouble)
_HAS_EXTENDED = np.finfo(np.longdouble).nmant == 63 and np.longdouble(0).itemsize == 16
_HALF_WAY = 0x400
"""The last eleven bits of an extended number that is half-way between two doubles."""
_WEIGHTS = np.concatenate([[0], 10 ** np.arange(19)])
"""What a digit counts, by its distance from the end of its cell: the separator nothing."""


class RowsError(ValueError):
    """A file that cannot be trained on; the text names row and column of what is wrong."""


@dataclass(frozen=True)
class Columns:
    """The columns of a file in their order, the label last.

    ``choices`` names the values that a column of words takes, in the order of their numbers; the
    others are numbers. ``special`` reads the cells of columns that mean more: dates, or what is
    missing (NaN, -1 of words); it raises a ValueError that says what is wrong.
    """

    names: Sequence[str]
    choices: Mapping[str, Sequence[str]]
    special: Mapping[str, Callable[[str], float]] = field(default_factory=dict)

    @property
    def are_plain(self) -> bool:
        """Whether all words are letters, and nothing is special."""
        return not self.special and all(
            len(choice) == 1 for choices in self.choices.values() for choice in choices
        )

    @property
    def numbers(self) -> list[str]:
        """The columns of numbers but the label."""
        return [name for name in self.names[:-1] if name not in self.choices]

    @property
    def label(self) -> str:
        """The last column."""
        return self.names[-1]


Table = Mapping[str, Floats]
"""Each column's values, (n,); of a column of words the place of each value in its choices."""


def read_rows(data: bytes, columns: Columns) -> Table:
    """The rows of a file, with or without a first line that names the columns in any order.

    Raises
    ------
    RowsError
        Names the line and the column of the first cells that are missing or not what the column
        holds.
    """
    data = data.removeprefix(b"\xef\xbb\xbf")
    first_line = data[: data.find(b"\n") + 1 or None]
    header = _header(first_line, columns)
    body = data[len(first_line) :] if header else data
    names = header or list(columns.names)
    table = _read_at_once(body, names, columns) if columns.are_plain else None
    return table or _read_cells(body, names, columns, first=2 if header else 1)


def count_rows(data: bytes) -> int:
    """How many rows there are: lines that are not blank, but for a first without a digit."""
    lines = [line for line in data.splitlines() if line.strip()]
    named = bool(lines) and not any(character in b"0123456789" for character in lines[0])
    return len(lines) - named


def _header(line: bytes, columns: Columns) -> list[str] | None:
    """The names in a file's first line; None where it is a row.

    Only letters and digits count, as in ``training.sheet``: ``Mean radius`` is ``MEAN_RADIUS``.

    Raises
    ------
    RowsError
        Some columns are named, but not all of them, once each.
    """
    known = {_plain(name): name for name in columns.names}
    titles = [cell.strip().strip('"') for cell in line.decode(errors="replace").split(",")]
    cells = [known.get(_plain(title), title.upper()) for title in titles]
    if not set(cells) & set(columns.names):
        return None
    if sorted(cells) == sorted(columns.names):
        return cells
    missing = [name for name in columns.names if name not in cells]
    other = [cell for cell in cells if cell not in columns.names]
    twice = sorted({cell for cell in cells if cells.count(cell) > 1})
    problems = [
        f"column {', '.join(names)} {what}"
        for names, what in ((missing, "is missing"), (other, "is not known"), (twice, "is twice"))
        if names
    ]
    raise RowsError(f"row 1: {'; '.join(problems)}; the columns are {', '.join(columns.names)}")


def _plain(title: str) -> str:
    letters = unicodedata.normalize("NFKD", title)
    return "".join(c for c in letters if c.isalnum()).upper()


def _read_at_once(data: bytes, names: Sequence[str], columns: Columns) -> Table | None:
    """The table; None where a cell is not plain, which does not mean that it is wrong."""
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
    if not data.endswith(b"\n"):
        data += b"\n"
    text = np.frombuffer(data, np.uint8)
    starts, ends = _cells(text)
    if len(ends) % len(names):
        return None
    rows = text[ends].reshape(-1, len(names))
    if (rows[:, -1] != NEWLINE).any() or (rows[:, :-1] != COMMA).any():
        return None
    words = np.array([name in columns.choices for name in names])
    values = _decimals(data, text, starts, ends, words)
    if values is None:
        return None
    letters = text[starts].reshape(rows.shape)
    table = dict(zip(names, values.reshape(rows.shape).T, strict=True))
    for place in np.flatnonzero(words).tolist():
        choices = columns.choices[names[place]]
        chosen = letters[:, place, None] == [ord(choice) for choice in choices]
        if not chosen.any(axis=1).all():
            return None
        table[names[place]] = chosen.argmax(axis=1).astype(np.float64)
    return table


def _cells(text: Bytes) -> tuple[Integers, Integers]:
    """Where the cells start and end, one after the other."""
    ends = np.flatnonzero((text == COMMA) | (text == NEWLINE))
    return np.concatenate([[0], ends[:-1] + 1]), ends


def _decimals(
    data: bytes, text: Bytes, starts: Integers, ends: Integers, words: NDArray[np.bool_]
) -> Floats | None:
    """The number in each cell; None unless words have one letter, and numbers digits and a dot."""
    digits = np.frombuffer(data.translate(None, b"."), np.uint8)
    first, last = _cells(digits)
    lengths = last - first
    has_dot = ends - starts - lengths
    if lengths.min() < 1 or has_dot.max() > 1 or lengths.max() > _MOST_DIGITS_EXTENDED:
        return None
    if (ends - starts).reshape(-1, len(words))[:, words].max(initial=1) != 1:
        return None
    digits = digits - ZERO  # wraps around where a byte is below
    letters = len(ends) // len(words) * np.count_nonzero(words)
    if np.count_nonzero(digits > 9) != len(ends) + letters:
        return None
    # What is no digit counts nothing, or is of a word, whose number nobody asks for. A digit counts
    # by its distance from the end of its cell. That is at most 19: a byte holds it, and is right
    # although the positions themselves wrap around.
    positions = np.arange(len(digits)).astype(np.uint8)
    places = np.repeat(last.astype(np.uint8), lengths + 1) - positions
    integers = np.add.reduceat(_WEIGHTS.take(places) * digits, first)
    decimals = np.zeros(len(ends), np.int64)
    dotted = np.flatnonzero(has_dot)
    decimals[dotted] = ends[dotted] - 1 - np.flatnonzero(text == DOT)
    values: Floats = integers / _POWERS[decimals]
    long = np.flatnonzero(lengths > _MOST_DIGITS)
    if _HAS_EXTENDED:
        quotients = integers[long].astype(np.longdouble) / _EXTENDED_POWERS[decimals[long]]
        values[long] = quotients
        last_bits = quotients.view(np.uint64)[::2] & 0x7FF
        long = long[last_bits == _HALF_WAY]
    bounds = zip(starts[long].tolist(), ends[long].tolist(), strict=True)
    values[long] = [float(data[start:end]) for start, end in bounds]
    return values


def _read_cells(data: bytes, names: Sequence[str], columns: Columns, first: int) -> Table:
    try:
        text = data.decode("utf-8")
        reader = csv.reader(io.StringIO(text, newline=""))
        rows = [(reader.line_num + first - 1, row) for row in reader if any(row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise RowsError(f"not CSV in UTF-8: {error}") from None
    if not rows:
        raise RowsError("no rows")
    values: dict[str, list[float]] = {name: [] for name in names}
    problems: list[str] = []
    for line, row in rows:
        if len(row) != len(names):
            problems.append(f"row {line}: {len(row)} cells where {len(names)} are expected")
            continue
        for name, cell in zip(names, row, strict=True):
            try:
                values[name].append(_value(cell.strip(), name, columns))
            except ValueError as error:
                problems.append(f"row {line}, column {name}: {error}")
    if problems:
        shown = problems[:PROBLEMS_SHOWN]
        if len(problems) > len(shown):
            shown.append(f"and {len(problems) - len(shown)} more")
        raise RowsError("; ".join(shown))
    return {name: np.array(cells) for name, cells in values.items()}


def _value(cell: str, name: str, columns: Columns) -> float:
    if name in columns.special:
        return columns.special[name](cell)
    choices = columns.choices.get(name)
    if not cell:
        raise ValueError("missing")
    if choices is not None:
        if cell not in choices:
            raise ValueError(f"{cell!r:.40} is not one of {', '.join(choices)}")
        return float(choices.index(cell))
    try:
        value = math.nan if "_" in cell else float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{cell!r:.40} is not a number")
    return value

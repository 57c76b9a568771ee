"""A CSV file as text: sees through encodings, separators and remarks above the header."""

import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from fleet.errors import HousingError

PROBLEMS_SHOWN = 20
MAX_BYTES = 2**29
SUFFIXES = (".csv", ".tsv", ".txt")
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
HEADER_SEARCHED = 20
"""Rows in which the names of the columns are looked for: exports begin with remarks."""
_LETTER_BEFORE_DIGIT = re.compile(r"^C_(?=\d)")
"""What the schema puts before a name that begins with a digit."""


class RowsError(HousingError):
    """Files that cannot be used; ``problems`` names every cell, one line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        shown = list(self.problems[:PROBLEMS_SHOWN])
        if len(self.problems) > len(shown):
            shown.append(f"and {len(self.problems) - len(shown)} more")
        super().__init__("\n".join(shown))


@dataclass(frozen=True)
class Sheet:
    """A CSV file as text: names of the columns, and the cells of each row with its line number."""

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[int, list[str]], ...]
    notes: tuple[str, ...] = ()

    def cells(self, place: int) -> list[str]:
        """All cells of a column."""
        return [row[place] for _, row in self.rows if place < len(row)]


def csv_files(path: Path) -> list[Path]:
    """The file, or those of a folder in order.

    Raises
    ------
    RowsError
        There is none.
    """
    if not path.is_dir():
        return [path]
    files = sorted(
        file
        for file in path.iterdir()
        if file.suffix.lower() in SUFFIXES and file.is_file() and not file.name.startswith(".")
    )
    if not files:
        raise RowsError([f"{path}: no CSV file in this folder"])
    return files


def read_sheet_of(file: Path) -> Sheet:
    """A file's cells; the first line that has some names the columns.

    Raises
    ------
    RowsError
        It cannot be read.
    """
    return read_sheet(read_content(file), file.name)


def read_content(file: Path) -> bytes:
    """The bytes of a file that is not too large.

    Raises
    ------
    RowsError
        It is, or cannot be read.
    """
    try:
        if file.stat().st_size > MAX_BYTES:
            raise RowsError([f"{file}: larger than {MAX_BYTES:,} bytes; split it"])
        return file.read_bytes()
    except OSError as error:
        raise RowsError([f"{file}: {error.strerror or error}"]) from None


def read_sheet(content: bytes, name: str, columns: Sequence[str] = ()) -> Sheet:
    """Decode a file, find its separator and the line that names the columns.

    Parameters
    ----------
    content
        The file.
    name
        What messages call it.
    columns
        Names that are looked for in the header; none takes the first line that has cells.

    Raises
    ------
    RowsError
        It is empty, or no CSV.
    """
    text = _find_encoding(content, name)
    separator = _find_separator(content, text, columns)
    try:
        numbered = list(_numbered(content, text, separator))
    except csv.Error as error:
        raise RowsError([f"{name}: {error}"]) from None
    if not numbered:
        raise RowsError([f"{name}: empty; the first line names the columns"])
    start = _find_header([row for _, row in numbered[:HEADER_SEARCHED]], columns)
    header, rows = _without_empty_ends(numbered[start][1], numbered[start + 1 :])
    notes = [] if separator == "," else [f"separated by {SEPARATORS[separator]}s"]
    notes += [text.title] if text.title else []
    notes += [f"header in line {numbered[start][0]}"] if start else []
    return Sheet(name, tuple(cell.strip() for cell in header), tuple(rows), tuple(notes))


@dataclass(frozen=True)
class _Encoding:
    """How bytes become text; ``title`` tells what is not UTF-8."""

    codec: str
    title: str = ""
    errors: str = "strict"

    def open(self, content: bytes) -> io.TextIOWrapper:
        """The text line by line: a large file is not held a second time."""
        stream = io.BytesIO(content)
        return io.TextIOWrapper(stream, encoding=self.codec, errors=self.errors, newline="")


def _find_encoding(content: bytes, name: str) -> _Encoding:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        found = _Encoding("utf-16", "UTF-16")
        try:
            text = content.decode(found.codec)
        except UnicodeDecodeError as error:
            raise RowsError([f"{name}: is not UTF-16: {error.reason}"]) from None
    else:
        found = _Encoding("utf-8-sig")
        try:
            text = content.decode(found.codec)
        except UnicodeDecodeError:
            # What a Western Excel writes; five bytes of it have no character.
            found = _Encoding("cp1252", "Windows-1252", "replace")
            text = content.decode(found.codec, found.errors)
    if "\0" in text:
        raise RowsError([f"{name}: holds NUL characters; it is no text"])
    return found


def _numbered(
    content: bytes, encoding: _Encoding, separator: str
) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, each with the number of its last line."""
    reader = csv.reader(encoding.open(content), delimiter=separator)
    for row in reader:
        if any(row) and any(cell.strip() for cell in row):
            yield reader.line_num, row


def _find_separator(content: bytes, encoding: _Encoding, columns: Sequence[str]) -> str:
    """What makes columns that are looked for of the first rows, or else most rows of one width."""
    wanted = {plain_title(column) for column in columns}

    def score(separator: str) -> tuple[int, int, int]:
        try:
            numbered = islice(_numbered(content, encoding, separator), HEADER_SEARCHED)
            rows = [row for _, row in numbered]
        except csv.Error:
            return 0, 0, 0
        named = max((sum(plain_title(cell) in wanted for cell in row) for row in rows), default=0)
        widths = Counter(len(row) for row in rows if len(row) > 1)
        return named, *max(((count, width) for width, count in widths.items()), default=(0, 1))

    return max(SEPARATORS, key=score)


def _find_header(rows: Sequence[Sequence[str]], columns: Sequence[str]) -> int:
    """The row with most of the columns; where none is known, the first as wide as most rows."""
    if not columns:
        [(width, _)] = Counter(map(len, rows)).most_common(1)
        return next(number for number, row in enumerate(rows) if len(row) == width)
    wanted = {plain_title(column) for column in columns}
    scores = [sum(plain_title(cell) in wanted for cell in row) for row in rows]
    return scores.index(max(scores))


def _without_empty_ends(
    header: list[str], rows: list[tuple[int, list[str]]]
) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Without the columns that trailing separators make: they have no name and no cells."""
    width = len(header)
    while width and not header[width - 1].strip():
        if any(len(row) >= width and row[width - 1].strip() for _, row in rows):
            break
        width -= 1
    trimmed = [
        (line, row if len(row) <= width or any(stripped(row[width:])) else row[:width])
        for line, row in rows
    ]
    return header[:width], trimmed


def stripped(cells: Sequence[str]) -> list[str]:
    """Cells without the blanks around them."""
    return [cell.strip() for cell in cells]


def plain_title(title: str) -> str:
    """A column's name without accents, signs and case: ``Square Feet`` is ``SQUAREFEET``."""
    letters = unicodedata.normalize("NFKD", _LETTER_BEFORE_DIGIT.sub("", title))
    return "".join(c for c in letters if c.isalnum()).upper()

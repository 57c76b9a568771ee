"""Reads people's CSV files: sees through separators, encodings and spellings, and guesses no value.

What was understood is said in a line a file; what was not is named with file, row, column, value
and cure. A file that cannot be used does not stop the others.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fleet.errors import HousingError
from fleet.names import entity_key
from fleet.schema import Column, Schema
from training.cells import CellError, Dialect, find_dialect, parser_of
from training.table import Table, make_values

PROBLEMS_SHOWN = 20
MAX_BYTES = 2**30
SUFFIXES = (".csv", ".tsv", ".txt")
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_LETTER_BEFORE_DIGIT = re.compile(r"^C_(?=\d)")
"""What the schema puts before a name that begins with a digit."""
HEADER_SEARCHED = 20
"""Lines in which the names of the columns are looked for: exports begin with remarks."""


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


@dataclass(frozen=True)
class Rows:
    """What a file holds.

    Parameters
    ----------
    table
        The schema's columns.
    sheet
        The file as it was, other columns such as an id included.
    entities
        Of each row, where the schema names an entity column.
    notes
        What was understood beyond plain CSV, for a person.
    """

    table: Table
    sheet: Sheet
    entities: Sequence[str] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class EntityTables:
    """The rows of each entity by its key.

    Parameters
    ----------
    tables
        By key.
    names
        As people write them, by key.
    notes
        What was understood beyond plain CSV, a line each.
    left_out
        What could not be used: the lines about each file, or each entity of a file, by its name.
    """

    tables: Mapping[str, Table]
    names: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def problems(self) -> tuple[str, ...]:
        """All lines about what could not be used."""
        return tuple(line for lines in self.left_out.values() for line in lines)


def read_entities(path: Path, schema: Schema) -> EntityTables:
    """The labelled rows of each entity: a folder with a file each, or a file with a column of them.

    A file without such a column is one entity, called as the file.

    Files that cannot be used are left out, and named in ``left_out``; of a file with a column of
    entities those alone that have a bad cell.

    Raises
    ------
    RowsError
        None of them can be used.
    """
    files = csv_files(path)
    found: dict[str, list[Table]] = {}
    names: dict[str, str] = {}
    notes: list[str] = []
    left_out: dict[str, tuple[str, ...]] = {}
    for file in files:
        try:
            rows, refused = _read_usable(file, schema)
        except RowsError as error:
            left_out[file.name] = error.problems
            continue
        left_out |= refused
        notes += rows.notes
        problems = []
        for name, table in _by_entity(rows, file).items():
            try:
                key = entity_key(name)
            except HousingError as error:
                problems.append(f"{file.name}: {error}")
                continue
            if names.setdefault(key, name) != name:
                problems.append(
                    f"{file.name}: {name!r} and {names[key]!r} both become {key}; rename one"
                )
                continue
            found.setdefault(key, []).append(table)
        if problems:
            left_out[file.name] = tuple(problems)
    tables = {key: _joined(parts) for key, parts in found.items()}
    read = EntityTables(tables, {k: names[k] for k in tables}, tuple(notes), left_out)
    if not found:
        raise RowsError(read.problems)
    return read


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
    return read_sheet(_content(file), file.name)


def _read_usable(file: Path, schema: Schema) -> tuple[Rows, dict[str, tuple[str, ...]]]:
    """The rows of a file without those entities that have a bad cell, and the lines about these.

    Raises
    ------
    RowsError
        Nothing of it can be used.
    """
    sheet = read_sheet(_content(file), file.name, _names(schema))
    try:
        return rows_of(sheet, schema, with_label=True), {}
    except RowsError as error:
        place = _entity_place(sheet, schema)
        if place is None:
            raise
        entities = {line: row[place].strip() for line, row in sheet.rows if place < len(row)}
        refused: dict[str, tuple[str, ...]] = {}
        for problem in error.problems:
            entity = entities.get(_line_number(problem))
            if entity is None:
                raise
            refused[entity] = (*refused.get(entity, ()), problem)
        kept = tuple((n, row) for n, row in sheet.rows if entities.get(n) not in refused)
        return rows_of(replace(sheet, rows=kept), schema, with_label=True), refused


def _names(schema: Schema) -> list[str]:
    """Of all columns that are looked for."""
    entity = [schema.entity_column] if schema.entity_column else []
    return [*(column.name for column in schema.all_columns), *entity]


def _entity_place(sheet: Sheet, schema: Schema) -> int | None:
    """Which column of the file tells the entity."""
    wanted = _plain(schema.entity_column or "")
    places = [place for place, title in enumerate(sheet.header) if _plain(title) == wanted]
    return places[0] if wanted and places else None


def _by_entity(rows: Rows, file: Path) -> dict[str, Table]:
    if rows.entities is None:
        return {file.stem: rows.table}
    import numpy as np

    entities = np.array(rows.entities, dtype=np.str_)
    return {
        str(name): rows.table.take(np.flatnonzero(entities == name)) for name in np.unique(entities)
    }


def _joined(tables: Sequence[Table]) -> Table:
    if len(tables) == 1:
        return tables[0]
    import numpy as np

    first = tables[0]
    values = {name: np.concatenate([table[name] for table in tables]) for name in first.values}
    labels = [table.label for table in tables if table.label is not None]
    return Table(first.schema, values, np.concatenate(labels) if labels else None)


def read_rows(file: Path, schema: Schema, *, with_label: bool) -> Rows:
    """Read a CSV file that names its columns, in any order and spelling.

    Parameters
    ----------
    file
        Of at most 1 GiB.
    schema
        The columns that are looked for.
    with_label
        Whether the label is needed; otherwise it is read where the file has it.

    Raises
    ------
    RowsError
        Names each missing column, or line and column of each bad cell, and what is allowed there.
    """
    return parse_rows(_content(file), file.name, schema, with_label=with_label)


def _content(file: Path) -> bytes:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise RowsError([f"{file}: larger than {MAX_BYTES:,} bytes; split it"])
        return file.read_bytes()
    except OSError as error:
        raise RowsError([f"{file}: {error.strerror or error}"]) from None


def parse_rows(content: bytes, name: str, schema: Schema, *, with_label: bool) -> Rows:
    """As ``read_rows``, of bytes; ``name`` stands for them in messages.

    Raises
    ------
    RowsError
    """
    return rows_of(read_sheet(content, name, _names(schema)), schema, with_label=with_label)


def rows_of(sheet: Sheet, schema: Schema, *, with_label: bool) -> Rows:
    """As ``read_rows``, of a file's cells.

    Raises
    ------
    RowsError
    """
    places = {_plain(title): place for place, title in enumerate(sheet.header) if title.strip()}
    _check_header(sheet, schema, places, with_label=with_label)
    wanted = [c for c in schema.all_columns if _plain(c.name) in places]
    dialect = find_dialect(
        cell
        for column in wanted
        if column.kind.is_numeric
        for cell in sheet.cells(places[_plain(column.name)])
    )
    problems: list[str] = [
        f"{sheet.name}, line {line}: {len(row)} cells under {len(sheet.header)} columns"
        for line, row in sheet.rows
        if len(row) != len(sheet.header)
    ]
    values = {}
    for column in wanted:
        place = places[_plain(column.name)]
        parsed, wrong = _parse_column(sheet, column, place, dialect)
        problems += wrong
        values[column.name] = parsed
    if problems:
        raise RowsError(sorted(problems, key=_line_number))
    arrays = {c.name: make_values(c, values[c.name]) for c in wanted}
    label = arrays.pop(schema.label.name, None)
    used = {places[_plain(column.name)] for column in wanted}
    entity = _entity_place(sheet, schema)
    others = [
        title
        for place, title in enumerate(sheet.header)
        if place not in used and place != entity and title
    ]
    return Rows(
        table=Table(schema, arrays, label),
        sheet=sheet,
        entities=None if entity is None else _stripped(sheet.cells(entity)),
        notes=_notes(sheet, dialect, others),
    )


def _parse_column(
    sheet: Sheet, column: Column, place: int, dialect: Dialect
) -> tuple[list[float | str], list[str]]:
    parse = parser_of(column, dialect, sheet.cells(place))
    parsed: list[float | str] = []
    problems = []
    for line, row in sheet.rows:
        if place >= len(row):
            continue
        try:
            parsed.append(parse(row[place]))
        except CellError as error:
            problems.append(f"{sheet.name}, line {line}, {column.name}: {error}")
    return parsed, problems


def _line_number(problem: str) -> int:
    match = re.search(r", line (\d+)", problem)
    return int(match[1]) if match else 0


def _check_header(
    sheet: Sheet, schema: Schema, places: Mapping[str, int], *, with_label: bool
) -> None:
    needed = [*schema.names, *([schema.label.name] if with_label else [])]
    if with_label and schema.entity_column:
        needed.append(schema.entity_column)
    titles = [_plain(title) for title in sheet.header if title.strip()]
    missing = [name for name in needed if _plain(name) not in places]
    known = {_plain(name) for name in needed}
    spare = [title for title in sheet.header if title.strip() and _plain(title) not in known]
    hint = f"; the file has {', '.join(spare[:8])} besides" if missing and spare else ""
    problems = [f"{sheet.name}: column {name} is missing{hint}" for name in missing]
    problems += [
        f"{sheet.name}: column {title} appears twice"
        for title in dict.fromkeys(title for title in titles if titles.count(title) > 1)
    ]
    if not problems and not sheet.rows:
        problems.append(f"{sheet.name}: no {schema.row}s")
    if problems:
        raise RowsError(problems)


def _notes(sheet: Sheet, dialect: Dialect, others: Sequence[str]) -> tuple[str, ...]:
    said = [*sheet.notes, *([dialect.title] if dialect.title else [])]
    if others:
        said.append(f"ignored: {', '.join(others)}")
    return (f"{sheet.name}: {len(sheet.rows):,} rows; {'; '.join(said)}",) if said else ()


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
    text, encoding = _decode(content, name)
    if "\0" in text:
        raise RowsError([f"{name}: holds NUL characters; it is no text"])
    separator = _find_separator(text, columns)
    try:
        numbered = [
            (line, row)
            for line, row in _numbered(text, separator)
            if any(cell.strip() for cell in row)
        ]
    except csv.Error as error:
        raise RowsError([f"{name}: {error}"]) from None
    if not numbered:
        raise RowsError([f"{name}: empty; the first line names the columns"])
    start = _find_header(numbered[:HEADER_SEARCHED], columns)
    header, rows = numbered[start][1], numbered[start + 1 :]
    header, rows = _without_empty_ends(header, rows)
    notes = [] if separator == "," else [f"separated by {SEPARATORS[separator]}s"]
    notes += [encoding] if encoding not in ("utf-8",) else []
    notes += [f"header in line {numbered[start][0]}"] if start else []
    return Sheet(name, tuple(cell.strip() for cell in header), tuple(rows), tuple(notes))


def _decode(content: bytes, name: str) -> tuple[str, str]:
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if content.startswith(mark):
            try:
                return content.decode(encoding), "UTF-16"
            except UnicodeDecodeError as error:
                raise RowsError([f"{name}: is not UTF-16: {error.reason}"]) from None
    try:
        return content.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        # What a Western Excel writes; five bytes of it have no character.
        return content.decode("cp1252", errors="replace"), "Windows-1252"


def _numbered(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    for row in reader:
        yield reader.line_num, row


def _find_separator(text: str, columns: Sequence[str]) -> str:
    lines = [line for line in text.splitlines()[: 2 * HEADER_SEARCHED] if line.strip()]
    wanted = {_plain(column) for column in columns}

    def score(separator: str) -> tuple[int, int]:
        rows = list(csv.reader(lines[:HEADER_SEARCHED], delimiter=separator))
        named = max((sum(_plain(cell) in wanted for cell in row) for row in rows), default=0)
        widths = [len(row) for row in rows[-10:]]
        return named, min(widths, default=1) if widths and len(set(widths)) == 1 else 1

    return max(SEPARATORS, key=score)


def _find_header(lines: Iterable[tuple[int, list[str]]], columns: Sequence[str]) -> int:
    wanted = {_plain(column) for column in columns}
    scores = [sum(_plain(cell) in wanted for cell in row) for _, row in lines]
    best = max(scores, default=0)
    return scores.index(best) if best else 0


def _without_empty_ends(
    header: list[str], rows: list[tuple[int, list[str]]]
) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Without the columns that trailing separators make: they have no name and no cells."""
    width = len(header)
    while width and not header[width - 1].strip():
        if any(len(row) >= width and row[width - 1].strip() for _, row in rows):
            break
        width -= 1
    trimmed = [(line, row if any(_stripped(row[width:])) else row[:width]) for line, row in rows]
    return header[:width], trimmed


def _stripped(cells: Sequence[str]) -> list[str]:
    return [cell.strip() for cell in cells]


def _plain(title: str) -> str:
    """A column's name without accents, signs and case: ``Square Feet`` is ``SQUAREFEET``."""
    letters = unicodedata.normalize("NFKD", _LETTER_BEFORE_DIGIT.sub("", title))
    return "".join(c for c in letters if c.isalnum()).upper()

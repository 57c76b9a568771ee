"""Reads people's CSV files as rows of the schema, and guesses no value.

What was understood is said in a line a file; what was not is named with file, row, column, value
and cure. A file that cannot be used does not stop the others.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fleet.column import Column, Kind
from fleet.errors import HousingError
from fleet.names import entity_key
from fleet.schema import Schema
from training.cells import CellError, Dialect, find_dialect, parser_of, plain_numbers
from training.sheet import (
    RowsError,
    Sheet,
    csv_files,
    plain_title,
    read_content,
    read_sheet,
    stripped,
)
from training.table import Table, Values, make_values


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


def _read_usable(file: Path, schema: Schema) -> tuple[Rows, dict[str, tuple[str, ...]]]:
    """The rows of a file without those entities that have a bad cell, and the lines about these.

    Raises
    ------
    RowsError
        Nothing of it can be used.
    """
    sheet = read_sheet(read_content(file), file.name, _names(schema))
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
    wanted = plain_title(schema.entity_column or "")
    places = [place for place, title in enumerate(sheet.header) if plain_title(title) == wanted]
    return places[0] if wanted and places else None


def _by_entity(rows: Rows, file: Path) -> dict[str, Table]:
    if rows.entities is None:
        return {file.stem: rows.table}
    import numpy as np

    numbers: dict[str, int] = {}
    codes = np.array([numbers.setdefault(name, len(numbers)) for name in rows.entities])
    order = np.argsort(codes, kind="stable")
    groups = np.split(order, np.cumsum(np.bincount(codes))[:-1])
    return {name: rows.table.take(groups[number]) for name, number in sorted(numbers.items())}


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
        Of at most half a GiB.
    schema
        The columns that are looked for.
    with_label
        Whether the label is needed; otherwise it is read where the file has it.

    Raises
    ------
    RowsError
        Names each missing column, or line and column of each bad cell, and what is allowed there.
    """
    return parse_rows(read_content(file), file.name, schema, with_label=with_label)


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
    places = {
        plain_title(title): place for place, title in enumerate(sheet.header) if title.strip()
    }
    _check_header(sheet, schema, places, with_label=with_label)
    wanted = [c for c in schema.all_columns if plain_title(c.name) in places]
    numeric = [places[plain_title(c.name)] for c in wanted if c.kind.is_numeric]
    dialect = find_dialect(
        row[place] for _, row in sheet.rows for place in numeric if place < len(row)
    )
    problems: list[str] = [
        f"{sheet.name}, line {line}: {len(row)} cells under {len(sheet.header)} columns"
        for line, row in sheet.rows
        if len(row) != len(sheet.header)
    ]
    values = {}
    for column in wanted:
        place = places[plain_title(column.name)]
        parsed, wrong = _parse_column(sheet, column, place, dialect)
        problems += wrong
        values[column.name] = parsed
    if problems:
        raise RowsError(sorted(problems, key=_line_number))
    label = values.pop(schema.label.name, None)
    used = {places[plain_title(column.name)] for column in wanted}
    entity = _entity_place(sheet, schema)
    others = [
        title
        for place, title in enumerate(sheet.header)
        if place not in used and place != entity and title
    ]
    return Rows(
        table=Table(schema, values, label),
        sheet=sheet,
        entities=None if entity is None else stripped(sheet.cells(entity)),
        notes=_notes(sheet, dialect, others),
    )


def _parse_column(
    sheet: Sheet, column: Column, place: int, dialect: Dialect
) -> tuple[Values, list[str]]:
    cells = sheet.cells(place)
    if (numbers := plain_numbers(column, dialect, cells)) is not None:
        return numbers, []
    parse = parser_of(column, dialect, cells)
    known: dict[str, float | str] = {}
    parsed: list[float | str] = []
    problems = []
    for line, row in sheet.rows:
        if place >= len(row):
            continue
        cell = row[place]
        try:
            if (value := known.get(cell)) is None:
                value = parse(cell)
                if column.kind is not Kind.NUMBER:  # of which most are different
                    known[cell] = value
            parsed.append(value)
        except CellError as error:
            problems.append(f"{sheet.name}, line {line}, {column.name}: {error}")
    return make_values(column, parsed), problems


def _line_number(problem: str) -> int:
    match = re.search(r", line (\d+)", problem)
    return int(match[1]) if match else 0


def _check_header(
    sheet: Sheet, schema: Schema, places: Mapping[str, int], *, with_label: bool
) -> None:
    needed = [*schema.names, *([schema.label.name] if with_label else [])]
    if with_label and schema.entity_column:
        needed.append(schema.entity_column)
    titles = [plain_title(title) for title in sheet.header if title.strip()]
    missing = [name for name in needed if plain_title(name) not in places]
    known = {plain_title(name) for name in needed}
    spare = [title for title in sheet.header if title.strip() and plain_title(title) not in known]
    problems = []
    if missing:
        others = f"; the file has {', '.join(spare[:8])} besides" if spare else ""
        if len(missing) == len(needed):
            others += "; housing init proposes a schema for other tables"
        what = "columns {} are" if missing[1:] else "column {} is"
        problems.append(f"{sheet.name}: {what.format(', '.join(missing))} missing{others}")
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

"""Reads people's CSV files as rows of the schema, and guesses no value.

What was understood is said in a line a file; what was not is named with file, row, column, value
and cure.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fleet.column import Column, Kind
from fleet.schema import Schema
from training.cells import CellError, Dialect, find_dialect, parser_of, plain_numbers
from training.sheet import (
    RowsError,
    Sheet,
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


def column_names(schema: Schema) -> list[str]:
    """Of all columns that are looked for."""
    entity = [schema.entity_column] if schema.entity_column else []
    return [*(column.name for column in schema.all_columns), *entity]


def entity_place(sheet: Sheet, schema: Schema) -> int | None:
    """Which column of the file tells the entity."""
    wanted = plain_title(schema.entity_column or "")
    places = [place for place, title in enumerate(sheet.header) if plain_title(title) == wanted]
    return places[0] if wanted and places else None


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
    return rows_of(read_sheet(content, name, column_names(schema)), schema, with_label=with_label)


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
        raise RowsError(sorted(problems, key=line_number))
    label = values.pop(schema.label.name, None)
    used = {places[plain_title(column.name)] for column in wanted}
    entity = entity_place(sheet, schema)
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


def line_number(problem: str) -> int:
    """The line that a problem names; 0 where it names none."""
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

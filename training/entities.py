"""The rows of each entity, say of each city, of people's CSV files.

A file that cannot be used does not stop the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fleet.errors import HousingError
from fleet.names import entity_key
from fleet.schema import Schema
from training.reader import Rows, column_names, entity_place, line_number, rows_of
from training.sheet import RowsError, csv_files, read_content, read_sheet
from training.table import Table


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
    sheet = read_sheet(read_content(file), file.name, column_names(schema))
    try:
        return rows_of(sheet, schema, with_label=True), {}
    except RowsError as error:
        place = entity_place(sheet, schema)
        if place is None:
            raise
        entities = {line: row[place].strip() for line, row in sheet.rows if place < len(row)}
        refused: dict[str, tuple[str, ...]] = {}
        for problem in error.problems:
            entity = entities.get(line_number(problem))
            if entity is None:
                raise
            refused[entity] = (*refused.get(entity, ()), problem)
        kept = tuple((n, row) for n, row in sheet.rows if entities.get(n) not in refused)
        return rows_of(replace(sheet, rows=kept), schema, with_label=True), refused


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

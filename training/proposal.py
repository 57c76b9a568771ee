"""Proposes a schema for somebody's table, from what its cells hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fleet.column import OTHER, Column, Kind, Missing, Unknown
from fleet.errors import HousingError
from fleet.schema import Schema
from training.cells import YES_WORDS
from training.column_cells import (
    FEW_CLASSES,
    ColumnCells,
    column_name,
    columns_of,
    odd_cells,
    read_sheets,
)
from training.sheet import csv_files

ENTITY_WORDS = (
    "city", "tenant", "customer", "client", "shop", "store", "site", "plant", "branch", "region",
    "device", "machine", "sensor", "market", "country", "state", "segment", "group", "entity",
)  # fmt: skip
LABEL_WORDS = ("price", "target", "label", "class", "outcome", "y", "value", "score")
MOST_CATEGORIES = 50
MOST_CLASSES = 100
ROWS_OF_AN_ENTITY = 20
"""A column whose rarest value comes more often could tell the entity."""
COVERED = 0.8
"""Share of the rows that the most frequent categories have to cover for the others to be pooled."""
MOST_MISSING = 0.5


@dataclass(frozen=True)
class Proposal:
    """A schema, and how it was found.

    Parameters
    ----------
    schema
        What is proposed.
    left_out
        In words, columns and files that are not used, and cells that will be refused, and why.
    rows, entities
        How many there are.
    choices
        Columns that could tell the entity, and how many each would make; none where one does.
    """

    schema: Schema
    left_out: tuple[str, ...]
    rows: int
    entities: int
    choices: Mapping[str, int]


def propose(
    path: Path,
    *,
    label: str | None = None,
    label_kind: Kind | None = None,
    entity_column: str | None = None,
) -> Proposal:
    """Look at a CSV file, or at all of a folder that has one for each entity.

    Parameters
    ----------
    path
        The file or the folder.
    label
        Title of the column that is to be predicted. Default: one with a name such as price or
        class, or the last.
    label_kind
        What the label holds. Default: found out.
    entity_column
        Title of the column that tells what has a model of its own. Default: of a file one with a
        name such as city or shop; of a folder the files' names.

    Raises
    ------
    HousingError
        No file can be read, or they have no such column.
    """
    sheets, unread = read_sheets(csv_files(path))
    columns = columns_of(sheets)
    entity = _entity_column(columns, entity_column, is_folder=path.is_dir())
    rest = [column for column in columns if column is not entity]
    target = _label_column(rest, label)
    features: list[Column] = []
    left_out: list[str] = []
    for column in rest:
        if column is target:
            continue
        found = _feature(column)
        if isinstance(found, Column):
            features.append(found)
        else:
            left_out.append(f"{column.title}: {found}")
    if not features:
        raise HousingError(f"{path}: no column is left to predict {target.title} from")
    entities = len(entity.distinct) if entity else len(sheets)
    word = entity.name.lower().replace("_", " ") if entity else "entity"
    try:
        schema = Schema(
            columns=tuple(features),
            label=_label(target, label_kind),
            entity=word,
            entity_column=entity.name if entity else None,
        )
    except ValueError as error:
        raise HousingError(f"{path}: {error}") from None
    used = [column for column in rest if column.name in (*schema.names, target.name)]
    return Proposal(
        schema,
        left_out=(*unread, *left_out, *odd_cells(sheets, used)),
        rows=sum(len(sheet.rows) for sheet in sheets),
        entities=entities,
        choices={} if entity or path.is_dir() else _choices(rest, target),
    )


def _choices(columns: Sequence[ColumnCells], target: ColumnCells) -> dict[str, int]:
    """Columns whose values come often enough to have a model each."""
    return {
        column.title: len(column.distinct)
        for column in columns
        if column is not target
        and column.kind is Kind.CATEGORY
        and len(column.distinct) > 1
        and min(column.distinct.values()) >= ROWS_OF_AN_ENTITY
    }


def _entity_column(
    columns: Sequence[ColumnCells], title: str | None, *, is_folder: bool
) -> ColumnCells | None:
    if title is not None:
        return _named(columns, title)
    if is_folder:
        return None
    for word in ENTITY_WORDS:
        for column in columns:
            words = column.name.lower().split("_")
            if word in words and 1 < len(column.distinct) <= len(column.cells) / 2:
                return column
    return None


def _label_column(columns: Sequence[ColumnCells], title: str | None) -> ColumnCells:
    if title is not None:
        return _named(columns, title)
    for word in LABEL_WORDS:
        for column in reversed(columns):
            if word in column.name.lower().split("_"):
                return column
    if not columns:
        raise HousingError("there is no column to predict")
    return columns[-1]


def _named(columns: Sequence[ColumnCells], title: str) -> ColumnCells:
    for column in columns:
        if column.name == column_name(title):
            return column
    raise HousingError(f"no column {title!r}; there are {', '.join(c.title for c in columns)}")


def _feature(column: ColumnCells) -> Column | str:
    """The column as a feature, or why it is none."""
    distinct = column.distinct
    if column.missing_share > MOST_MISSING:
        return f"{column.missing_share:.0%} of the cells are empty"
    if len(distinct) < 2:
        return "all cells are the same"
    if _is_id(column):
        return "every row has another value, as an id has"
    missing = Missing.IMPUTE if column.missing_share else Missing.REFUSE
    kind = column.kind
    if kind is Kind.CATEGORY:
        return _category(column, missing)
    if kind is Kind.YES_NO:
        most = max(distinct, key=distinct.__getitem__).lower()
        default = "y" if most in YES_WORDS else "n"
        return Column(name=column.name, kind=kind, default=default, missing=missing)
    lowest = min(column.numbers.values(), default=-1)
    return Column(
        name=column.name,
        kind=kind,
        minimum=0 if lowest >= 0 and kind is not Kind.DATE else None,
        default=column.middle,
        missing=missing,
    )


def _is_id(column: ColumnCells) -> bool:
    if len(column.distinct) < column.present or len(column.distinct) < FEW_CLASSES:
        return False
    words = column.name.lower().split("_")
    ids = {"id", "key", "number", "uuid", "index"}
    return column.kind is Kind.CATEGORY or bool(ids & set(words))


def _category(column: ColumnCells, missing: Missing) -> Column | str:
    distinct = column.distinct
    ordered = [value for value, _ in distinct.most_common()]
    unknown = Unknown.REFUSE
    if len(ordered) > MOST_CATEGORIES:
        top = distinct.most_common(MOST_CATEGORIES)
        if sum(count for _, count in top) < COVERED * column.present:
            return f"free text: {len(ordered):,} different values"
        ordered = [value for value, _ in top if value != OTHER]
        unknown = Unknown.POOL
    return Column(
        name=column.name,
        kind=Kind.CATEGORY,
        categories=tuple(ordered),
        default=ordered[0],
        missing=missing,
        unknown=unknown,
    )


def _label(column: ColumnCells, kind: Kind | None) -> Column:
    if column.present < len(column.cells):
        empty = len(column.cells) - column.present
        raise HousingError(f"label {column.title}: {empty:,} rows have none; leave them out")
    distinct = column.distinct
    if len(distinct) < 2:
        raise HousingError(f"label {column.title}: all rows have the same")
    kind = kind or _label_kind(column)
    if kind is Kind.CATEGORY:
        if len(distinct) > MOST_CLASSES:
            raise HousingError(
                f"label {column.title}: {len(distinct):,} different values are too many classes "
                f"(at most {MOST_CLASSES}); name another with --label"
            )
        return Column(name=column.name, kind=kind, categories=tuple(sorted(distinct, key=_natural)))
    unit = next((sign for sign in "$€£¥" if any(sign in cell for cell in distinct)), "")
    return Column(name=column.name, kind=kind, unit=unit)


def _label_kind(column: ColumnCells) -> Kind:
    few = len(column.distinct) <= FEW_CLASSES
    few = few and column.present >= FEW_CLASSES * len(column.distinct)
    return Kind.CATEGORY if column.kind is Kind.INTEGER and few else column.kind


def _natural(text: str) -> tuple[int, float, str]:
    try:
        return 0, float(text), text
    except ValueError:
        return 1, 0.0, text


def describe(column: Column) -> str:
    """A column's line in what ``housing init`` prints."""
    said = [column.allowed]
    if column.unknown is Unknown.POOL:
        said.append("others pooled")
    if column.missing is Missing.IMPUTE:
        said.append("empty cells imputed")
    return "; ".join(said)

"""Proposes a schema for somebody's table, from what its cells hold."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fleet.errors import HousingError
from fleet.schema import OTHER, Column, Kind, Missing, Schema, Unknown
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
from training.reader import Sheet, csv_files, read_sheet_of

ENTITY_WORDS = (
    "city", "tenant", "customer", "client", "shop", "store", "site", "plant", "branch", "region",
    "device", "machine", "sensor", "market", "country", "state", "segment", "group", "entity",
)  # fmt: skip
LABEL_WORDS = ("price", "target", "label", "class", "outcome", "y", "value", "score")
MOST_CATEGORIES = 50
MOST_CLASSES = 100
FEW_CLASSES = 10
"""Whole numbers of a label that are this few, and come back often, are taken for classes."""
COVERED = 0.8
"""Share of the rows that the most frequent categories have to cover for the others to be pooled."""
MOST_MISSING = 0.5


@dataclass(frozen=True)
class Proposal:
    """A schema, and in words what was left out and why."""

    schema: Schema
    left_out: tuple[str, ...]
    rows: int
    entities: int


@dataclass(frozen=True)
class _Cells:
    """One column of all files."""

    title: str
    name: str
    cells: Sequence[str]
    dialect: Dialect

    @property
    def present(self) -> list[str]:
        return [cell.strip() for cell in self.cells if not is_missing(cell)]

    @property
    def missing_share(self) -> float:
        return 1 - len(self.present) / len(self.cells) if self.cells else 1.0


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
        The files cannot be read, or have no such column.
    """
    sheets = [read_sheet_of(file) for file in csv_files(path)]
    columns = _columns(sheets)
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
    entities = len(set(entity.present)) if entity else len(sheets)
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
    return Proposal(schema, tuple(left_out), sum(len(s.rows) for s in sheets), entities)


def _columns(sheets: Sequence[Sheet]) -> list[_Cells]:
    """The columns that all files have, by their titles in the first.

    Raises
    ------
    HousingError
        A file has no rows, or a title twice.
    """
    first = sheets[0]
    if not first.rows:
        raise HousingError(f"{first.name}: no rows below the names of the columns")
    places = [{_name(title): i for i, title in enumerate(s.header) if title} for s in sheets]
    shared = [t for t in first.header if t and all(_name(t) in place for place in places)]
    names: Counter[str] = Counter()
    columns = []
    for title in shared:
        name = _name(title)
        names[name] += 1
        if names[name] > 1:
            raise HousingError(f"{first.name}: column {title} appears twice")
        cells = [
            cell
            for sheet, place in zip(sheets, places, strict=True)
            for cell in sheet.cells(place[name])
        ]
        columns.append(_Cells(title, name, cells, Dialect()))
    dialect = find_dialect(cell for column in columns for cell in column.cells)
    return [_Cells(c.title, c.name, c.cells, dialect) for c in columns]


def _entity_column(
    columns: Sequence[_Cells], title: str | None, *, is_folder: bool
) -> _Cells | None:
    if title is not None:
        return _named(columns, title)
    if is_folder:
        return None
    for word in ENTITY_WORDS:
        for column in columns:
            words = column.name.lower().split("_")
            if word in words and 1 < len(set(column.present)) <= len(column.cells) / 2:
                return column
    return None


def _label_column(columns: Sequence[_Cells], title: str | None) -> _Cells:
    if title is not None:
        return _named(columns, title)
    for word in LABEL_WORDS:
        for column in reversed(columns):
            if word in column.name.lower().split("_"):
                return column
    if not columns:
        raise HousingError("there is no column to predict")
    return columns[-1]


def _named(columns: Sequence[_Cells], title: str) -> _Cells:
    for column in columns:
        if column.name == _name(title):
            return column
    raise HousingError(f"no column {title!r}; there are {', '.join(c.title for c in columns)}")


def _feature(column: _Cells) -> Column | str:
    """The column as a feature, or why it is none."""
    present = column.present
    if column.missing_share > MOST_MISSING:
        return f"{column.missing_share:.0%} of the cells are empty"
    distinct = Counter(present)
    if len(distinct) < 2:
        return "all cells are the same"
    if _is_id(column, distinct):
        return "every row has another value, as an id has"
    missing = Missing.IMPUTE if column.missing_share else Missing.REFUSE
    kind = _kind(column, present)
    if kind is Kind.CATEGORY:
        return _category(column, distinct, missing)
    if kind is Kind.YES_NO:
        most = max(distinct, key=distinct.__getitem__).lower()
        default = "y" if most in YES_WORDS else "n"
        return Column(name=column.name, kind=kind, default=default, missing=missing)
    if kind is Kind.DATE:
        return Column(name=column.name, kind=kind, missing=missing)
    numbers = sorted(number(cell, column.dialect) for cell in present)
    middle = numbers[len(numbers) // 2]
    return Column(
        name=column.name,
        kind=kind,
        minimum=0 if numbers[0] >= 0 else None,
        default=f"{middle:.15g}",
        missing=missing,
    )


def _is_id(column: _Cells, distinct: Counter[str]) -> bool:
    if len(distinct) < len(column.present) or len(distinct) < FEW_CLASSES:
        return False
    words = column.name.lower().split("_")
    kind = _kind(column, column.present)
    return kind is Kind.CATEGORY or bool({"id", "key", "number", "uuid", "index"} & set(words))


def _category(column: _Cells, distinct: Counter[str], missing: Missing) -> Column | str:
    ordered = [value for value, _ in distinct.most_common()]
    unknown = Unknown.REFUSE
    if len(ordered) > MOST_CATEGORIES:
        top = distinct.most_common(MOST_CATEGORIES)
        if sum(count for _, count in top) < COVERED * len(column.present):
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


def _label(column: _Cells, kind: Kind | None) -> Column:
    present = column.present
    if len(present) < len(column.cells):
        empty = len(column.cells) - len(present)
        raise HousingError(f"label {column.title}: {empty:,} rows have none; leave them out")
    distinct = Counter(present)
    if len(distinct) < 2:
        raise HousingError(f"label {column.title}: all rows have the same")
    kind = kind or _label_kind(column, distinct)
    if kind is Kind.CATEGORY:
        if len(distinct) > MOST_CLASSES:
            raise HousingError(
                f"label {column.title}: {len(distinct):,} different values are too many classes "
                f"(at most {MOST_CLASSES}); name another with --label"
            )
        return Column(name=column.name, kind=kind, categories=tuple(sorted(distinct, key=_natural)))
    unit = next((sign for sign in "$€£¥" if any(sign in cell for cell in present)), "")
    return Column(name=column.name, kind=kind, unit=unit)


def _label_kind(column: _Cells, distinct: Counter[str]) -> Kind:
    kind = _kind(column, column.present)
    few = len(distinct) <= FEW_CLASSES and len(column.present) >= FEW_CLASSES * len(distinct)
    return Kind.CATEGORY if kind is Kind.INTEGER and few else kind


def _kind(column: _Cells, present: Sequence[str]) -> Kind:
    words = {cell.lower() for cell in present}
    if words <= YES_WORDS | NO_WORDS and words & YES_WORDS and words & NO_WORDS:
        return Kind.YES_NO
    try:
        numbers = [number(cell, column.dialect) for cell in present]
    except CellError:
        pass
    else:
        is_whole = all(value == int(value) for value in numbers)
        return Kind.INTEGER if is_whole and not any("." in c for c in present) else Kind.NUMBER
    order = find_date_order(present)
    try:
        for cell in present:
            day(cell, order)
    except CellError:
        return Kind.CATEGORY
    return Kind.DATE


def _name(title: str) -> str:
    """``Square Feet`` is SQUARE_FEET; a name that begins with no letter gets one."""
    letters = unicodedata.normalize("NFKD", title)
    plain = "".join(c for c in letters if not unicodedata.combining(c))
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plain)
    name = re.sub(r"[^A-Z0-9]+", "_", plain.upper()).strip("_")
    return (name if name[:1].isalpha() else f"C_{name}")[:64].strip("_") or "C"


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

"""The script that runs inside the SageMaker scikit-learn container, to fit and to transform rows.

It stands alone: the container (``sagemaker-scikit-learn:1.9-0-cpu-py3``) finds nothing of this
project beside it but ``schema.json``, which says what the columns are (``fleet/schema.py``).

As a training job it fits one preprocessor on the rows of all entities: StandardScaler on numbers
and dates, one-hot encoding with fixed categories on the others. As the first container of an
inference pipeline, or in a batch transform, it turns CSV rows into features, in the schema's order.
Houses become 10:

    YEAR_BUILT, SQUARE_FEET, NUM_BEDROOMS, NUM_BATHROOMS, LOT_ACRES, GARAGE_SPACES (standardised),
    FRONT_PORCH_n, FRONT_PORCH_y, DECK_n, DECK_y

One more input column is the label; a number passes unchanged, a class becomes its number. It is the
first output column, where Linear Learner looks for it (``text/csv;label_size=1``). An empty cell is
refused unless the schema imputes it: a number becomes the mean (0), a category none of its values.

The interface (``model_fn``, ``transform_fn``, the SM_* variables) is described in
https://sagemaker.readthedocs.io/en/v2/frameworks/sklearn/using_sklearn.html
"""

import csv
import io
import json
import math
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from email.message import Message
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import joblib
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_FILE = "schema.json"
RANGES_FILE = "ranges.json"
"""Least and greatest value of each number among the rows that it was fitted on."""
MODEL_FILE = "model.joblib"
JSON = "application/json"
CSV = "text/csv"
PROBLEMS_SHOWN = 10
VALUES_SHOWN = 8
NUMBERS, VALUES = "numbers", "values"
"""How the names of the transformer's steps begin."""

EPOCH = date(1970, 1, 1).toordinal()
Cells = list[list[str]]
Encoder = Callable[[str], list[float]]
"""From a cell to the features that it becomes."""
T = TypeVar("T")

NO_VALUE = -1
"""The code of an empty cell that is to be imputed."""


class RequestError(Exception):
    """The caller's mistake; ``status`` is the HTTP status of the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Column:
    """A column of the schema; ``values`` are those of one-hot encoding, none for numbers."""

    name: str
    kind: str
    values: tuple[str, ...] = ()
    pools: bool = False
    imputes: bool = False

    @property
    def is_numeric(self) -> bool:
        return not self.values

    @property
    def width(self) -> int:
        """How many features it becomes."""
        return len(self.values) or 1

    @cached_property
    def codes(self) -> dict[str, int]:
        """From a cell's text to the number of its value."""
        codes = {value: number for number, value in enumerate(self.values)}
        return {**codes, "": NO_VALUE} if self.imputes else codes

    def parse(self, cells: Sequence[str]) -> list[float] | list[int]:
        """The numbers or codes of cells; ValueError or KeyError where one is not allowed."""
        if self.is_numeric:
            convert = _days if self.kind == "date" else float
            if self.imputes:
                return [convert(cell) if cell.strip() else math.nan for cell in cells]
            return [convert(cell) for cell in cells]
        if self.pools:
            other = len(self.values) - 1
            return [self.codes.get(cell, other) for cell in cells]
        return [self.codes[cell] for cell in cells]

    def one_hot_encoder(self) -> Encoder:
        """From a cell to the features that stand for it; KeyError where it is not allowed."""
        features = {
            cell: [float(code == number) for number in range(self.width)]
            for cell, code in self.codes.items()
        }
        if self.pools:
            other = features[self.values[-1]]
            return lambda cell: features.get(cell, other)
        return features.__getitem__

    def scaling_encoder(self, mean: float, scale: float) -> Encoder:
        """From a cell to its standardised number; ValueError where it is not allowed."""
        convert = _days if self.kind == "date" else float
        imputes = self.imputes

        def encode(cell: str) -> list[float]:
            if imputes and not cell.strip():
                return [0.0]  # the mean
            number = convert(cell)
            if not math.isfinite(number):
                raise ValueError
            return [(number - mean) / scale]

        return encode

    def problem(self, cell: str) -> str | None:
        """What is wrong with a cell."""
        if not cell.strip():
            return None if self.imputes else "missing"
        if self.kind == "date":
            try:
                _days(cell)
            except ValueError:
                return f"{cell!r} is not a date such as 2026-11-27"
            return None
        if self.is_numeric:
            return None if _is_number(cell) else f"{cell!r} is not a number"
        if self.pools or cell in self.values:
            return None
        if self.kind == "yes_no":
            return f"{cell!r} is neither y nor n"
        return f"{cell!r} is not one of {', '.join(self.values[:VALUES_SHOWN])}"


@dataclass(frozen=True)
class Schema:
    """The features' columns in the order of a row, and the label that may end it."""

    columns: tuple[Column, ...]
    label: Column

    @cached_property
    def numbers(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.is_numeric)

    @cached_property
    def encoded(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if not column.is_numeric)

    @cached_property
    def dimension(self) -> int:
        """How many features there are."""
        return sum(column.width for column in self.columns)

    @cached_property
    def number_places(self) -> NDArray[np.int64]:
        """Where the numbers stand among the features."""
        return np.array(
            [place for column, place in self._places() if column.is_numeric], dtype=np.int64
        )

    @cached_property
    def encoded_places(self) -> NDArray[np.int64]:
        """Where the first value of each encoded column stands among the features."""
        return np.array(
            [place for column, place in self._places() if not column.is_numeric], dtype=np.int64
        )

    def _places(self) -> Iterator[tuple[Column, int]]:
        place = 0
        for column in self.columns:
            yield column, place
            place += column.width


def read_schema(file: Path) -> Schema:
    """Read the schema that came with the script."""
    document = json.loads(file.read_text(encoding="utf-8"))
    columns = tuple(_column(entry) for entry in document["columns"])
    return Schema(columns, _column(document["label"]))


def _column(entry: Mapping[str, Any]) -> Column:
    pools = entry.get("unknown") == "pool"
    values: tuple[str, ...] = ()
    if entry["kind"] == "yes_no":
        values = ("n", "y")
    elif entry["kind"] == "category":
        values = (*entry["categories"], *(["other"] if pools else []))
    imputes = entry.get("missing") == "impute"
    return Column(entry["name"], entry["kind"], values, pools, imputes)


def _days(cell: str) -> float:
    return float(date.fromisoformat(cell.strip()).toordinal() - EPOCH)


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell)) and "_" not in cell
    except ValueError:
        return False


@dataclass(frozen=True)
class Table:
    """Parsed rows of a schema.

    ``numbers`` (n, numbers) has NaN where a cell is to be imputed, ``codes`` (n, encoded) the
    numbers of values, -1 there; ``labels`` (n,) is None where the rows have none.
    """

    schema: Schema
    numbers: NDArray[np.float64]
    codes: NDArray[np.int64]
    labels: NDArray[np.float64] | None


@dataclass(frozen=True)
class Preprocessor:
    """The fitted transformer as two arrays, an entry a number of the schema.

    ``ColumnTransformer.transform`` takes milliseconds for one row; the same arithmetic on these
    numbers takes microseconds and gives the same bits. A request goes cell by cell, without arrays,
    which cost more to make than a row to compute.
    """

    schema: Schema
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    @cached_property
    def _encoders(self) -> Sequence[Encoder]:
        numbers = iter(zip(self.mean.tolist(), self.scale.tolist(), strict=True))
        return [
            column.scaling_encoder(*next(numbers))
            if column.is_numeric
            else column.one_hot_encoder()
            for column in self.schema.columns
        ]

    def features(self, rows: Sequence[Sequence[str]]) -> list[list[float]]:
        """Of the cells of rows, the label first where they have one.

        Raises
        ------
        KeyError
            A category is not allowed.
        ValueError
            A cell is not allowed, or rows differ in length.
        """
        encoders = self._encoders
        given = len(rows[0]) if rows else 0
        if given == len(encoders) + 1:
            labels = _finite(self.schema.label.parse([row[-1] for row in rows]))
            found = [[label] for label in labels]
        elif given == len(encoders):
            found = [[] for _ in rows]
        else:
            raise ValueError
        for features, row in zip(found, rows, strict=True):
            if len(row) != given:
                raise ValueError
            for encode, cell in zip(encoders, row, strict=False):
                features += encode(cell)
        return found

    def transform(self, table: Table) -> NDArray[np.float64]:
        """Features of shape (n, d), or (n, d + 1) with the label first."""
        schema = self.schema
        features = np.zeros((len(table.numbers), schema.dimension))
        numbers = (table.numbers - self.mean) / self.scale
        np.copyto(numbers, 0.0, where=np.isnan(table.numbers))
        features[:, schema.number_places] = numbers
        rows, columns = np.nonzero(table.codes != NO_VALUE)
        features[rows, schema.encoded_places[columns] + table.codes[rows, columns]] = 1.0
        if table.labels is None:
            return features
        return np.column_stack([table.labels, features])


def _finite(numbers: Sequence[float]) -> list[float]:
    if not all(map(math.isfinite, numbers)):
        raise ValueError
    return list(map(float, numbers))


def parse_csv(text: str, schema: Schema, name: str = "") -> Table:
    """Read rows of the schema's columns, all with the label last or none.

    Raises
    ------
    RequestError
        Names row and column of what is wrong; ``name`` tells the file.
    """
    return _read(text, schema, lambda rows: _convert(rows, schema), name)


def _read(text: str, schema: Schema, convert: Callable[[Cells], T], name: str = "") -> T:
    """What ``convert`` makes of the rows; it raises where a cell is not allowed.

    Raises
    ------
    RequestError
        400, one is not; the text says which.
    """
    try:
        rows = [row for row in csv.reader(io.StringIO(text)) if row]
        converted = convert(rows)
        if rows and not _hides_problems(text, schema):
            return converted
    except (csv.Error, ValueError, KeyError, IndexError):
        pass  # the slow way below finds out what is wrong, and where
    raise RequestError(400, _explain(text, schema, name))


def _hides_problems(text: str, schema: Schema) -> bool:
    """Whether cells are wrong that Python reads as numbers, and nobody else: 1_000, nan."""
    return ("_" in text or "nan" in text.lower()) and bool(_find_problems(text, schema))


def _is_finite(table: Table) -> bool:
    """Whether every number is one, but for those to be imputed."""
    finite = np.isfinite(table.numbers)
    if finite.all():
        return True
    imputes = np.array([column.imputes for column in table.schema.numbers])
    return bool((finite | (np.isnan(table.numbers) & imputes)).all())


def _convert(rows: Cells, schema: Schema) -> Table:
    width = len(schema.columns)
    given = len(rows[0]) if rows else 0
    if given not in (width, width + 1) or any(len(row) != given for row in rows):
        raise ValueError
    cells = list(zip(*rows, strict=True))
    parsed = {
        column.name: column.parse(texts)
        for column, texts in zip(schema.columns, cells, strict=False)
    }
    n = len(rows)
    numbers = np.empty((n, len(schema.numbers)))
    for place, column in enumerate(schema.numbers):
        numbers[:, place] = parsed[column.name]
    codes = np.empty((n, len(schema.encoded)), dtype=np.int64)
    for place, column in enumerate(schema.encoded):
        codes[:, place] = parsed[column.name]
    labels = None if given == width else np.array(_finite(schema.label.parse(cells[width])))
    table = Table(schema, numbers, codes, labels)
    if not _is_finite(table):
        raise ValueError
    return table


def _explain(text: str, schema: Schema, name: str) -> str:
    try:
        problems = _find_problems(text, schema)
    except csv.Error as error:
        problems = [f"not CSV: {error}"]
    shown = problems[:PROBLEMS_SHOWN]
    if len(problems) > len(shown):
        shown.append(f"and {len(problems) - len(shown)} more")
    return (f"{name}: " if name else "") + "; ".join(shown)


def _find_problems(text: str, schema: Schema) -> list[str]:
    reader = csv.reader(io.StringIO(text))
    rows = [(reader.line_num, row) for row in reader if row]
    if not rows:
        return ["no rows"]
    given = len(rows[0][1])
    width = len(schema.columns)
    problems = []
    for line, row in rows:
        if len(row) not in (width, width + 1):
            problems.append(
                f"row {line}: {len(row)} columns where {width} or {width + 1} are expected"
            )
        elif len(row) != given:
            problems.append(f"row {line}: {len(row)} columns where the first row has {given}")
        else:
            cells = zip((*schema.columns, schema.label), row, strict=False)  # or without label
            problems += [
                f"row {line}, column {column.name}: {problem}"
                for column, cell in cells
                if (problem := column.problem(cell))
            ]
    return problems


# Serving ---------------------------------------------------------------------------------------


def model_fn(model_dir: str) -> Preprocessor:
    """Load the fitted transformer and fold it into arrays."""
    schema = read_schema(Path(model_dir) / "code" / SCHEMA_FILE)
    return fold(joblib.load(Path(model_dir) / MODEL_FILE), schema)


def fold(transformer: Any, schema: Schema) -> Preprocessor:
    """The ``Preprocessor`` that does what this fitted ColumnTransformer does."""
    scalers = [
        pipeline[0]
        for name, pipeline in transformer.named_transformers_.items()
        if name.startswith(NUMBERS)
    ]
    empty = np.empty(0)
    return Preprocessor(
        schema,
        mean=np.concatenate([empty, *(scaler.mean_ for scaler in scalers)]),
        scale=np.concatenate([empty, *(scaler.scale_ for scaler in scalers)]),
    )


def transform_fn(
    model: Preprocessor, content: str | bytes, content_type: str | None, accept: str | None
) -> Any:
    """Answer one request.

    A mistake of the caller is answered with a 4xx response that says what is wrong: the server
    would turn an exception into a bare status 500.
    """
    from sagemaker_containers.beta.framework import worker  # exists in the container alone

    try:
        body, mimetype = transform(model, content, content_type, accept)
    except RequestError as error:
        message = json.dumps({"error": str(error)})
        return worker.Response(message, status=error.status, mimetype=JSON)
    return worker.Response(body, mimetype=mimetype)


def transform(
    model: Preprocessor, content: str | bytes, content_type: str | None, accept: str | None
) -> tuple[str, str]:
    """From a request's body to an answer's (body, media type).

    Raises
    ------
    RequestError
    """
    respond_with = choose_media_type(accept)
    features = _read(decode(content, content_type), model.schema, model.features)
    return _ENCODERS[respond_with](features), respond_with


def decode(content: str | bytes, content_type: str | None) -> str:
    """The text of a CSV body; the server hands over str or bytes.

    Raises
    ------
    RequestError
    """
    if isinstance(content, str) and content_type == CSV:
        return content  # as nearly all are
    header = Message()
    header["Content-Type"] = content_type or CSV
    if header.get_content_type() != CSV:
        raise RequestError(415, f"content type {content_type!r} is not supported; send {CSV}")
    if isinstance(content, str):
        return content
    charset = header.get_content_charset("utf-8")
    try:
        return content.decode(charset)
    except LookupError:
        raise RequestError(415, f"charset {charset!r} is not known") from None
    except UnicodeDecodeError as error:
        raise RequestError(400, f"the body is not {charset}: {error.reason}") from None


def choose_media_type(accept: str | None) -> str:
    """The first media type of an Accept header that can be answered.

    Raises
    ------
    RequestError
    """
    for part in (accept or "*/*").split(","):
        media_type = part.split(";")[0].strip().lower()
        if media_type in ("*/*", "application/*"):
            return JSON
        if media_type in _ENCODERS:
            return media_type
    raise RequestError(406, f"accept {accept!r} cannot be answered; ask for {JSON} or {CSV}")


def _encode_json(rows: list[list[float]]) -> str:
    return json.dumps({"instances": [{"features": row} for row in rows]})


def _encode_csv(rows: list[list[float]]) -> str:
    return "".join(",".join(map(repr, row)) + "\n" for row in rows)


_ENCODERS = {JSON: _encode_json, CSV: _encode_csv}


# Fitting ---------------------------------------------------------------------------------------


def read_channel(directory: Path, schema: Schema) -> Table:
    """Every file of a channel as one Table.

    Raises
    ------
    RequestError
    """
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    if not files:
        raise RequestError(400, f"no files in {directory}")
    tables = [
        parse_csv(path.read_text(encoding="utf-8"), schema, str(path.relative_to(directory)))
        for path in files
    ]
    return Table(
        schema,
        numbers=np.concatenate([table.numbers for table in tables]),
        codes=np.concatenate([table.codes for table in tables]),
        labels=None,
    )


def to_frame(table: Table) -> "pd.DataFrame":
    """The table as scikit-learn sees it: a DataFrame with named columns."""
    import pandas as pd  # needed to fit, not to serve

    schema = table.schema
    columns: dict[str, Any] = {
        column.name: table.numbers[:, place] for place, column in enumerate(schema.numbers)
    }
    for place, column in enumerate(schema.encoded):
        values = np.array([*column.values, ""], dtype=object)
        columns[column.name] = values[table.codes[:, place]]
    return pd.DataFrame(columns)


def fit(table: Table) -> Any:
    """Fit the ColumnTransformer on all rows; its outputs stand in the schema's order."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    steps: list[tuple[str, Any, list[str]]] = []
    for is_numeric, group in groupby(table.schema.columns, lambda column: column.is_numeric):
        columns = list(group)
        if is_numeric:
            # The scaler leaves NaN alone; what is imputed is the mean, which is 0 behind it.
            impute = SimpleImputer(strategy="constant", fill_value=0.0)
            name, transformer = NUMBERS, make_pipeline(StandardScaler(), impute)
        else:
            name, transformer = (
                VALUES,
                OneHotEncoder(
                    categories=[list(column.values) for column in columns],
                    handle_unknown="ignore",
                    sparse_output=False,
                ),
            )
        steps.append((f"{name}-{len(steps)}", transformer, [column.name for column in columns]))
    return ColumnTransformer(steps).fit(to_frame(table))


def ranges(table: Table) -> dict[str, list[float]]:
    """Least and greatest value of each column of numbers; none where all are missing."""
    found = {}
    for place, column in enumerate(table.schema.numbers):
        numbers = table.numbers[:, place]
        numbers = numbers[~np.isnan(numbers)]
        if len(numbers):
            found[column.name] = [float(numbers.min()), float(numbers.max())]
    return found


def main() -> None:
    """Run the training job: fit on the channel ``train``, leave a model that can be hosted."""
    model_directory = Path(os.environ["SM_MODEL_DIR"])
    here = Path(__file__)
    schema_file = here.with_name(SCHEMA_FILE)
    table = read_channel(Path(os.environ["SM_CHANNEL_TRAIN"]), read_schema(schema_file))
    joblib.dump(fit(table), model_directory / MODEL_FILE)
    (model_directory / RANGES_FILE).write_text(json.dumps(ranges(table)))
    # Hosting looks for the script beside the model, see SAGEMAKER_SUBMIT_DIRECTORY.
    code = model_directory / "code"
    code.mkdir(exist_ok=True)
    for file in (here, schema_file):
        shutil.copy(file, code / file.name)
    print(f"fitted on {len(table.numbers)} rows")


if __name__ == "__main__":
    try:
        main()
    except RequestError as error:
        sys.exit(str(error))

"""The script that runs inside the SageMaker scikit-learn container, to fit and to transform houses.

It stands alone: the container (``sagemaker-scikit-learn:1.9-0-cpu-py3``) finds nothing of this
project beside it.

As a training job it fits one preprocessor on the houses of all cities: StandardScaler on the six
numbers, one-hot encoding with fixed categories on the two yes/no columns. As the first container of
an inference pipeline, or in a batch transform, it turns CSV rows of houses into 10 features each:

    YEAR_BUILT, SQUARE_FEET, NUM_BEDROOMS, NUM_BATHROOMS, LOT_ACRES, GARAGE_SPACES (standardised),
    FRONT_PORCH_n, FRONT_PORCH_y, DECK_n, DECK_y

A ninth input column is the price, the label; it passes unchanged and becomes the first output
column, where Linear Learner looks for it (``text/csv;label_size=1``).

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
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

NUMERIC = (
    "YEAR_BUILT",
    "SQUARE_FEET",
    "NUM_BEDROOMS",
    "NUM_BATHROOMS",
    "LOT_ACRES",
    "GARAGE_SPACES",
)
YES_NO = ("FRONT_PORCH", "DECK")
CATEGORIES = ["n", "y"]
LABEL = "PRICE"
COLUMNS = (*NUMERIC, *YES_NO, LABEL)
WIDTHS = (len(COLUMNS) - 1, len(COLUMNS))
FEATURE_DIM = len(NUMERIC) + len(YES_NO) * len(CATEGORIES)

MODEL_FILE = "model.joblib"
JSON = "application/json"
CSV = "text/csv"
PROBLEMS_SHOWN = 10

_IS_YES = {"y": True, "n": False}


class RequestError(Exception):
    """The caller's mistake; ``status`` is the HTTP status of the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Table:
    """Parsed rows: ``numbers`` (n, 6), ``yes`` (n, 2) of booleans, ``labels`` (n,) or None."""

    numbers: NDArray[np.float64]
    yes: NDArray[np.bool_]
    labels: NDArray[np.float64] | None


@dataclass(frozen=True)
class Preprocessor:
    """The fitted transformer as two arrays of shape (6,).

    ``ColumnTransformer.transform`` takes milliseconds for one row; the same arithmetic on these
    arrays takes microseconds and gives the same bits.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    def transform(self, table: Table) -> NDArray[np.float64]:
        """Features of shape (n, 10), or (n, 11) with the label first."""
        n = len(table.numbers)
        features = np.empty((n, FEATURE_DIM))
        features[:, :6] = (table.numbers - self.mean) / self.scale
        features[:, 6::2] = ~table.yes
        features[:, 7::2] = table.yes
        if table.labels is None:
            return features
        return np.column_stack([table.labels, features])


def parse_csv(text: str, name: str = "") -> Table:
    """Read rows of 8 columns, or of 9 with the price last.

    Raises ``RequestError`` that names row and column of what is wrong; ``name`` tells the file.
    """
    try:
        rows = [row for row in csv.reader(io.StringIO(text)) if row]
        table = _convert(rows)
        if len(rows) and np.isfinite(table.numbers).all() and "_" not in text:
            return table
    except (csv.Error, ValueError, KeyError, IndexError):
        pass  # the slow way below finds out what is wrong, and where
    raise RequestError(400, _explain(text, name))


def _convert(rows: list[list[str]]) -> Table:
    width = len(rows[0]) if rows else 0
    if width not in WIDTHS or any(len(row) != width for row in rows):
        raise ValueError
    numbers = np.array([[float(cell) for cell in row[:6]] for row in rows])
    yes = np.array([[_IS_YES[row[6]], _IS_YES[row[7]]] for row in rows])
    if width == WIDTHS[0]:
        return Table(numbers, yes, None)
    labels = np.array([float(row[8]) for row in rows])
    if not np.isfinite(labels).all():
        raise ValueError
    return Table(numbers, yes, labels)


def _explain(text: str, name: str) -> str:
    try:
        problems = _find_problems(text)
    except csv.Error as error:
        problems = [f"not CSV: {error}"]
    shown = problems[:PROBLEMS_SHOWN]
    if len(problems) > len(shown):
        shown.append(f"and {len(problems) - len(shown)} more")
    return (f"{name}: " if name else "") + "; ".join(shown)


def _find_problems(text: str) -> list[str]:
    reader = csv.reader(io.StringIO(text))
    rows = [(reader.line_num, row) for row in reader if row]
    if not rows:
        return ["no rows"]
    width = len(rows[0][1])
    problems = []
    for line, row in rows:
        if len(row) not in WIDTHS:
            problems.append(f"row {line}: {len(row)} columns where 8 or 9 are expected")
        elif len(row) != width:
            problems.append(f"row {line}: {len(row)} columns where the first row has {width}")
        else:
            cells = zip(COLUMNS, row, strict=False)  # 8 columns: no label
            problems += [
                f"row {line}, column {column}: {problem}"
                for column, cell in cells
                if (problem := _problem_of(column, cell))
            ]
    return problems


def _problem_of(column: str, cell: str) -> str | None:
    if not cell.strip():
        return "missing"
    if column in YES_NO:
        return None if cell in _IS_YES else f"{cell!r} is neither y nor n"
    try:
        is_number = math.isfinite(float(cell)) and "_" not in cell
    except ValueError:
        is_number = False
    return None if is_number else f"{cell!r} is not a number"


# Serving ---------------------------------------------------------------------------------------


def model_fn(model_dir: str) -> Preprocessor:
    """Load the fitted transformer and fold it into arrays."""
    return fold(joblib.load(Path(model_dir) / MODEL_FILE))


def fold(transformer: Any) -> Preprocessor:
    """The ``Preprocessor`` that does what this fitted ColumnTransformer does."""
    scaler = transformer.named_transformers_["numeric"]
    return Preprocessor(mean=scaler.mean_, scale=scaler.scale_)


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
    """From a request's body to an answer's (body, media type); raises ``RequestError``."""
    respond_with = choose_media_type(accept)
    features = model.transform(parse_csv(decode(content, content_type)))
    return _ENCODERS[respond_with](features.tolist()), respond_with


def decode(content: str | bytes, content_type: str | None) -> str:
    """The text of a CSV body; the server hands over str or bytes."""
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
    """The first media type of an Accept header that can be answered."""
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


def read_channel(directory: Path) -> Table:
    """Every file of a channel as one Table."""
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    if not files:
        raise RequestError(400, f"no files in {directory}")
    tables = [
        parse_csv(path.read_text(encoding="utf-8"), str(path.relative_to(directory)))
        for path in files
    ]
    return Table(
        numbers=np.concatenate([table.numbers for table in tables]),
        yes=np.concatenate([table.yes for table in tables]),
        labels=None,
    )


def to_frame(table: Table) -> "pd.DataFrame":
    """The table as scikit-learn sees it: a DataFrame with named columns."""
    import pandas as pd  # needed to fit, not to serve

    frame = pd.DataFrame(table.numbers, columns=list(NUMERIC))
    return frame.assign(
        **{column: np.where(table.yes[:, i], "y", "n") for i, column in enumerate(YES_NO)}
    )


def fit(table: Table) -> Any:
    """Fit the ColumnTransformer on all houses."""
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    encoder = OneHotEncoder(categories=[CATEGORIES] * len(YES_NO), sparse_output=False)
    transformer = ColumnTransformer(
        [("numeric", StandardScaler(), list(NUMERIC)), ("yes_no", encoder, list(YES_NO))]
    )
    return transformer.fit(to_frame(table))


def main() -> None:
    """Run the training job: fit on the channel ``train``, leave a model that can be hosted."""
    model_directory = Path(os.environ["SM_MODEL_DIR"])
    table = read_channel(Path(os.environ["SM_CHANNEL_TRAIN"]))
    joblib.dump(fit(table), model_directory / MODEL_FILE)
    # Hosting looks for the script beside the model, see SAGEMAKER_SUBMIT_DIRECTORY.
    code = model_directory / "code"
    code.mkdir(exist_ok=True)
    shutil.copy(__file__, code / Path(__file__).name)
    print(f"fitted on {len(table.numbers)} houses")


if __name__ == "__main__":
    try:
        main()
    except RequestError as error:
        sys.exit(str(error))

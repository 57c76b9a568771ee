"""The preprocessor of one house, beside the scikit-learn transformer that it was folded from."""

import io
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.figure import Figure
from benchmarks.timing import seconds_per_call
from fleet.schema import HOUSES
from training.houses import CITIES, FEATURE_COLUMNS, Market
from training.preprocessor import sklearn_preprocessor as script

MANY = 10_000
JSON = "application/json"
CSV = "text/csv"


def run() -> list[Figure]:
    transformer, model = _fitted()
    row = Market().houses("NewYork_NY", 1).without_label().to_csv()
    many = Market().houses("NewYork_NY", MANY).to_csv()
    schema = model.schema
    table = script.parse_csv(row, schema)
    frame = script.to_frame(table)

    def as_the_notebook() -> None:
        read = pd.read_csv(io.StringIO(row), header=None, names=list(FEATURE_COLUMNS))
        transformer.transform(read)

    numbers = 1e6 * seconds_per_call(lambda: model.transform(table))
    oracle = 1e6 * seconds_per_call(lambda: transformer.transform(frame))
    request = 1e6 * seconds_per_call(lambda: script.transform(model, row, CSV, JSON))
    notebook = 1e6 * seconds_per_call(as_the_notebook)
    batch = MANY / seconds_per_call(lambda: script.transform(model, many, CSV, CSV))
    return [
        Figure("preprocessor, the numbers of one house", numbers, "us", f"sklearn: {oracle:,.0f}"),
        Figure(
            "preprocessor, a request of one house, CSV to JSON",
            request,
            "us",
            f"pandas.read_csv and sklearn, as in the notebook: {notebook:,.0f}",
        ),
        Figure("preprocessor, a request of 10,000 houses, CSV to CSV", batch, "houses/s"),
    ]


def _fitted() -> tuple[Any, script.Preprocessor]:
    schema = _schema()
    text = "".join(Market().houses(city).to_csv() for city in CITIES)
    transformer = script.fit(script.parse_csv(text, schema))
    return transformer, script.fold(transformer, schema)


def _schema() -> script.Schema:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "schema.json"
        file.write_text(HOUSES.to_json())
        return script.read_schema(file)

"""Writes copies of the notebook's model in the layout of one peer; runs in that peer's environment.

The model is what the notebook's script does for each request: ``read_csv``, then a fitted
scikit-learn pipeline of scaled numbers and one-hot categories in front of a linear regression.

usage: python notebook_models.py {fastapi,mlserver,multi-model-server} FOLDER COUNT
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

NUMBERS = (
    "YEAR_BUILT",
    "SQUARE_FEET",
    "NUM_BEDROOMS",
    "NUM_BATHROOMS",
    "LOT_ACRES",
    "GARAGE_SPACES",
)
CATEGORIES = ("FRONT_PORCH", "DECK")
MANIFEST = {
    "runtime": "python",
    "engine": {"engineName": "NONE"},
    "specificationVersion": "1.0",
    "implementationVersion": "1.0",
    "modelServerVersion": "1.0",
}


def main(arguments: list[str]) -> None:
    """Fit once, write all copies."""
    peer, folder, count = arguments[0], Path(arguments[1]), int(arguments[2])
    write = {"fastapi": _fastapi, "mlserver": _mlserver, "multi-model-server": _multi_model_server}
    model = folder / "model.joblib"
    folder.mkdir(parents=True)
    joblib.dump(fitted(), model)
    for number in range(count):
        write[peer](folder, model, f"m{number}")
    model.unlink()


def fitted() -> Any:
    """The pipeline, fitted on a thousand houses."""
    random = np.random.default_rng(0)
    count = 1000
    frame = pd.DataFrame(
        {
            "YEAR_BUILT": random.normal(1995, 10, count).round(),
            "SQUARE_FEET": random.normal(3000, 750, count),
            "NUM_BEDROOMS": random.integers(2, 7, count),
            "NUM_BATHROOMS": random.integers(2, 7, count) / 2,
            "LOT_ACRES": random.normal(1.0, 0.25, count),
            "GARAGE_SPACES": random.integers(0, 4, count),
            **{name: random.choice(["y", "n"], count) for name in CATEGORIES},
        }
    )
    prices = 150 * frame["SQUARE_FEET"] + 10_000 * frame["NUM_BEDROOMS"]
    columns = ColumnTransformer(
        [
            ("numbers", StandardScaler(), list(NUMBERS)),
            ("categories", OneHotEncoder(handle_unknown="ignore"), list(CATEGORIES)),
        ]
    )
    return Pipeline([("columns", columns), ("model", LinearRegression())]).fit(frame, prices)


def _fastapi(folder: Path, model: Path, name: str) -> None:
    shutil.copy(model, folder / f"{name}.joblib")


def _mlserver(folder: Path, model: Path, name: str) -> None:
    own = folder / name
    own.mkdir()
    shutil.copy(model, own)
    settings = {
        "name": name,
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": f"./{model.name}", "version": "1"},
    }
    (own / "model-settings.json").write_text(json.dumps(settings))


def _multi_model_server(folder: Path, model: Path, name: str) -> None:
    own = folder / name
    (own / "MAR-INF").mkdir(parents=True)
    shutil.copy(model, own)
    shutil.copy(Path(__file__).with_name("multi_model_server_handler.py"), own / "handler.py")
    described = {"modelName": name, "handler": "handler:handle", "modelVersion": "1.0"}
    manifest = {**MANIFEST, "model": {**described, "description": ""}}
    (own / "MAR-INF" / "MANIFEST.json").write_text(json.dumps(manifest))


if __name__ == "__main__":
    main(sys.argv[1:])

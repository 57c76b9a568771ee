"""What multi-model-server runs for each model, in a process of the model's own."""

import io
from pathlib import Path
from typing import Any

import joblib
import pandas as pd

NAMES = (
    *("YEAR_BUILT", "SQUARE_FEET", "NUM_BEDROOMS", "NUM_BATHROOMS"),
    *("LOT_ACRES", "GARAGE_SPACES", "FRONT_PORCH", "DECK"),
)
_models: dict[str, Any] = {}


def handle(data: list[dict[str, bytes]] | None, context: Any) -> list[dict[str, Any]] | None:
    """Answer requests; the first call, without data, loads the model."""
    folder = context.system_properties["model_dir"]
    if folder not in _models:
        _models[folder] = joblib.load(Path(folder) / "model.joblib")
    if data is None:
        return None
    return [_answer(_models[folder], bytes(one.get("body") or b"").decode()) for one in data]


def _answer(model: Any, row: str) -> dict[str, Any]:
    frame = pd.read_csv(io.StringIO(row), header=None, names=list(NAMES))
    return {"predictions": [{"score": float(model.predict(frame)[0])}]}

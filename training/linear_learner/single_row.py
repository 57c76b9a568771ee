"""One row asked of a regressor, one score in JSON: what nearly every request is about.

The same arithmetic as ``predictor`` and the same bytes as ``wire``, to the last bit, in a fifth of
the time: arrays and general formats cost more to touch than a row costs to compute. Whatever is
not plainly such a request is left to them, mistakes with what is said of them too.
"""

import json
from typing import Any

import numpy as np

from training.linear_learner.model import LinearModel, PredictorType
from training.linear_learner.wire.requests import CSV, JSON
from training.linear_learner.wire.rows import GREATEST

_NUMBERS = {int, float}


def answer_one_row(model: LinearModel, body: bytes, content_type: str) -> bytes | None:
    """The answer in JSON; None where the request is another, or wrong."""
    if model.predictor_type is not PredictorType.REGRESSOR:
        return None
    try:
        cells = _READERS[content_type](body)
    except (KeyError, IndexError, TypeError, ValueError, RecursionError):
        return None
    if len(cells) != model.feature_dim or min(cells) < -GREATEST or max(cells) > GREATEST:
        return None
    # A scalar product as numpy.vecdot computes it. A cell that is not a number makes it none.
    product = np.array(cells, np.float32).dot(model.weights.ravel()).item()
    total = product + model.bias.item()  # exact before it is rounded once: 53 bits hold both
    if not -GREATEST <= total <= GREATEST:
        return None
    return b'{"predictions": [{"score": %a}]}' % np.float32(total).item()


def _read_json(body: bytes) -> list[Any]:
    [row] = json.loads(body)["instances"]
    cells: list[Any] = row["features"]
    if type(cells) is not list or not {*map(type, cells)} <= _NUMBERS:
        raise ValueError
    return cells


def _read_csv(body: bytes) -> list[float]:
    [line] = body.splitlines()
    if b"_" in line:
        raise ValueError
    return [float(cell) for cell in line.split(b",")]


_READERS = {JSON: _read_json, CSV: _read_csv}

"""One row asked of a regressor, one score in JSON: what nearly every request is about.

The same arithmetic as ``predictor`` and the same bytes as ``wire``, to the last bit, in a fifth of
the time: arrays and general formats cost more to touch than a row costs to compute. Whatever is
not plainly such a request is left to them, mistakes with what is said of them too.
"""

import json
import struct
from typing import Any

import numpy as np

from training.linear_learner.model import LinearModel
from training.linear_learner.wire.requests import CSV, JSON
from training.linear_learner.wire.rows import GREATEST

_NUMBERS = {int, float}
_FLOAT32 = struct.Struct("f")
_read_document = json.JSONDecoder().raw_decode


class SingleRow:
    """The short way to the answers of a regressor."""

    __slots__ = ("_bias", "_weights")

    def __init__(self, model: LinearModel) -> None:
        self._weights = model.weights[:, 0]
        self._bias = float(model.bias[0])

    def answer(self, body: bytes, content_type: str) -> bytes | None:
        """The answer in JSON; None where the request is another, or wrong."""
        try:
            cells = _READERS[content_type](body)
        except (KeyError, IndexError, TypeError, ValueError, RecursionError):
            return None
        if len(cells) != len(self._weights) or min(cells) < -GREATEST or max(cells) > GREATEST:
            return None
        # A scalar product as numpy.vecdot computes it. A cell that is not a number makes it none.
        product = float(np.array(cells, np.float32).dot(self._weights))
        total = product + self._bias  # exact before it is rounded once: 53 bits hold both
        if not -GREATEST <= total <= GREATEST:
            return None
        [score] = _FLOAT32.unpack(_FLOAT32.pack(total))
        return b'{"predictions": [{"score": %a}]}' % score


def _read_json(body: bytes) -> list[Any]:
    document, end = _read_document(body.decode())
    [row] = document["instances"]
    cells: list[Any] = row["features"]
    if end != len(body) or type(cells) is not list or not {*map(type, cells)} <= _NUMBERS:
        raise ValueError
    return cells


def _read_csv(body: bytes) -> list[float]:
    [line] = body.splitlines()
    if b"_" in line:
        raise ValueError
    return [float(cell) for cell in line.split(b",")]


_READERS = {JSON: _read_json, CSV: _read_csv}

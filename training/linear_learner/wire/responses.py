"""Writes the answers of /invocations.

The bytes are those of the service's own answers: JSON with Python's separators and all digits of
the float32; JSON Lines with sorted keys, no blanks, and scores cut off after 15 decimals.
"""

import json
from collections.abc import Iterator
from decimal import ROUND_DOWN, Context, Decimal
from typing import NotRequired, TypedDict

import numpy as np

from training.linear_learner.predictor import Predictions
from training.linear_learner.wire.recordio import Record, Tensor, write_record
from training.linear_learner.wire.requests import CSV, JSON, JSON_LINES, RECORDIO
from training.linear_learner.wire.rows import RequestError

_FIFTEEN_DECIMALS = Decimal("1e-15")
_EVERY_FLOAT32 = Context(prec=39 + 15, rounding=ROUND_DOWN)


class _Answer(TypedDict):
    """The answer to one row."""

    score: float | list[float]
    predicted_label: NotRequired[int]


def encode_predictions(predictions: Predictions, accept: str) -> tuple[bytes, str]:
    """The body of an answer and its content type.

    ``accept`` is the header's value; the first type in it that can be written is. Anything else is
    answered with JSON, as the service does.

    Raises
    ------
    RequestError
        400, a score is too large for a float32; JSON has no word for it.
    """  # noqa: DOC501 - RequestError.not_evaluable makes one
    if not np.isfinite(predictions.scores).all():
        raise RequestError.not_evaluable("a score is too large for a float32")
    for content_type in (part.partition(";")[0].strip().lower() for part in accept.split(",")):
        if content_type in _ENCODERS:
            return _ENCODERS[content_type](predictions), content_type
    return _encode_json(predictions), JSON


def _encode_json(predictions: Predictions) -> bytes:
    return json.dumps({"predictions": list(_answers(predictions))}).encode()


def _encode_json_lines(predictions: Predictions) -> bytes:
    lines = []
    for answer in _answers(predictions):
        score, label = answer["score"], answer.get("predicted_label")
        text = _cut(score) if isinstance(score, float) else f"[{','.join(map(_cut, score))}]"
        prefix = "" if label is None else f'"predicted_label":{label},'
        lines.append(f'{{{prefix}"score":{text}}}\n')
    return "".join(lines).encode()


def _encode_csv(predictions: Predictions) -> bytes:
    """The score or scores of a row, then the label of a classifier."""
    rows: list[list[float]] = predictions.scores.reshape(len(predictions), -1).tolist()
    if predictions.labels is not None:
        rows = [[*row, label] for row, label in zip(rows, predictions.labels.tolist(), strict=True)]
    return "\n".join(",".join(map(repr, row)) for row in rows).encode()


def _encode_recordio(predictions: Predictions) -> bytes:
    tensors = {"score": predictions.scores.reshape(len(predictions), -1)}
    if predictions.labels is not None:
        tensors["predicted_label"] = predictions.labels[:, None].astype(np.float32)
    return b"".join(
        write_record(Record({}, {name: Tensor(rows[index]) for name, rows in tensors.items()}))
        for index in range(len(predictions))
    )


_ENCODERS = {
    JSON: _encode_json,
    JSON_LINES: _encode_json_lines,
    CSV: _encode_csv,
    RECORDIO: _encode_recordio,
}


def _answers(predictions: Predictions) -> Iterator[_Answer]:
    scores = predictions.scores.tolist()
    if predictions.labels is None:
        return ({"score": score} for score in scores)
    labels = predictions.labels.tolist()
    return (
        {"score": score, "predicted_label": label}
        for score, label in zip(scores, labels, strict=True)
    )


def _cut(score: float) -> str:
    cut = Decimal(repr(score)).quantize(_FIFTEEN_DECIMALS, context=_EVERY_FLOAT32)
    digits = f"{cut:f}".rstrip("0")
    return digits + "0" if digits.endswith(".") else digits

"""Writes the answers of /invocations.

The bytes are those of the service's own answers: JSON with Python's separators and all digits of
the float32; JSON Lines with sorted keys, no blanks, and scores cut off after 15 decimals.
"""

import json
from collections.abc import Iterator
from decimal import ROUND_DOWN, Decimal

import numpy as np

from training.linear_learner.model import LinearModel
from training.linear_learner.predictor import Predictions
from training.linear_learner.wire.recordio import Record, Tensor, write_record
from training.linear_learner.wire.requests import CSV, JSON, JSON_LINES, RECORDIO

_FIFTEEN_DECIMALS = Decimal("1e-15")
Score = float | list[float]


def encode_predictions(
    predictions: Predictions, accept: str, model: LinearModel
) -> tuple[bytes, str]:
    """The body of an answer and its content type.

    ``accept`` is the header's value; the first type in it that can be written is. Anything else is
    answered with JSON, as the service does.
    """
    for content_type in (part.partition(";")[0].strip().lower() for part in accept.split(",")):
        if content_type in _ENCODERS:
            return _ENCODERS[content_type](predictions), content_type
    return _encode_json(predictions), JSON


def _encode_json(predictions: Predictions) -> bytes:
    return json.dumps({"predictions": list(_answers(predictions))}).encode()


def _encode_json_lines(predictions: Predictions) -> bytes:
    lines = []
    for answer in _answers(predictions):
        score = answer["score"]
        texts = [_cut(value) for value in score] if isinstance(score, list) else [_cut(score)]
        text = f"[{','.join(texts)}]" if isinstance(score, list) else texts[0]
        label = f'"predicted_label":{answer["predicted_label"]},' if len(answer) > 1 else ""
        lines.append(f'{{{label}"score":{text}}}\n')
    return "".join(lines).encode()


def _encode_csv(predictions: Predictions) -> bytes:
    lines = []
    for answer in _answers(predictions):
        cells = np.ravel([*answer.values()][0]).tolist() + [*answer.values()][1:]
        lines.append(",".join(map(repr, cells)))
    return "\n".join(lines).encode()


def _encode_recordio(predictions: Predictions) -> bytes:
    frames = []
    for index, score in enumerate(predictions.scores):
        label = {"score": Tensor(np.atleast_1d(score))}
        if predictions.labels is not None:
            label["predicted_label"] = Tensor(np.float32([predictions.labels[index]]))
        frames.append(write_record(Record({}, label)))
    return b"".join(frames)


_ENCODERS = {
    JSON: _encode_json,
    JSON_LINES: _encode_json_lines,
    CSV: _encode_csv,
    RECORDIO: _encode_recordio,
}


def _answers(predictions: Predictions) -> Iterator[dict[str, Score | int]]:
    scores = predictions.scores.tolist()
    if predictions.labels is None:
        return ({"score": score} for score in scores)
    labels = predictions.labels.tolist()
    return (
        {"score": score, "predicted_label": label}
        for score, label in zip(scores, labels, strict=True)
    )


def _cut(score: float) -> str:
    cut = Decimal(repr(score)).quantize(_FIFTEEN_DECIMALS, ROUND_DOWN)
    digits = f"{cut:f}".rstrip("0")
    return digits + "0" if digits.endswith(".") else digits

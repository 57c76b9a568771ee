"""Reads the rows of a request to /invocations.

The formats are those of AWS's page "Common data formats for inference"
(https://docs.aws.amazon.com/sagemaker/latest/dg/cdf-inference.html).
"""

import json
from collections.abc import Callable
from email.message import Message
from typing import Any

import numpy as np

from training.linear_learner.model import Float32Array
from training.linear_learner.wire.recordio import RecordError, Tensor, read_records
from training.linear_learner.wire.rows import RequestError, RowError, dense, read_rows, table

JSON = "application/json"
JSON_LINES = "application/jsonlines"
RECORDIO = "application/x-recordio-protobuf"
CSV = "text/csv"


def decode_request(body: bytes, content_type: str) -> Float32Array:
    """The rows of a request: float32 of shape (n, d).

    ``content_type`` is the header's value, parameters included; an empty one means JSON.

    Raises
    ------
    RequestError
        415 for another content type, 204 for an empty body, 400 for anything that is
        not a table of finite numbers.
    """  # noqa: DOC501 - RequestError.not_evaluable makes one
    name, _, _ = content_type.partition(";")
    decode = _DECODERS.get(name.strip().lower() or JSON)
    if decode is None:
        raise RequestError(415, f"content-type {content_type} not supported")
    if not body.strip():
        raise RequestError(204, "")
    try:
        return decode(body, content_type)
    except (RowError, RecordError, ValueError, RecursionError) as error:
        raise RequestError.not_evaluable(str(error)) from error


def label_size(content_type: str) -> int:
    """The parameter ``label_size`` of ``text/csv``: how many first columns are labels; 0 if absent.

    Raises
    ------
    RowError
        It is not a number of columns.
    """
    if "label_size" not in content_type.lower():
        return 0
    header = Message()
    header["content-type"] = content_type
    text = str(header.get_param("label_size", "0"))
    if not text.isdecimal():
        raise RowError(f"label_size is {text!r}; it must be a number of columns")
    return int(text)


def _decode_csv(body: bytes, content_type: str) -> Float32Array:
    return read_rows(body, skip=label_size(content_type))


def _decode_json(body: bytes, content_type: str) -> Float32Array:
    document = json.loads(body)
    if not isinstance(document, dict) or not isinstance(document.get("instances"), list):
        raise RowError('no list "instances"')
    return _instances(document["instances"])


def _decode_json_lines(body: bytes, content_type: str) -> Float32Array:
    return _instances([json.loads(line) for line in body.splitlines() if line.strip()])


def _decode_recordio(body: bytes, content_type: str) -> Float32Array:
    records = list(read_records(body))
    if any("values" not in record.features for record in records):
        raise RowError('a record without the feature "values"')
    return dense([record.features["values"] for record in records])


_DECODERS: dict[str, Callable[[bytes, str], Float32Array]] = {
    CSV: _decode_csv,
    JSON: _decode_json,
    JSON_LINES: _decode_json_lines,
    RECORDIO: _decode_recordio,
}


def _instances(instances: list[Any]) -> Float32Array:
    if not all(isinstance(instance, dict) for instance in instances):
        raise RowError("an instance is not an object")
    if all(isinstance(instance.get("features"), list) for instance in instances):
        return table([instance["features"] for instance in instances])
    return dense([_tensor(instance) for instance in instances])


def _tensor(instance: dict[str, Any]) -> Tensor:
    data = instance["features"] if "features" in instance else _nested(instance)
    if isinstance(data, list):
        return Tensor(_numbers(data))
    if not isinstance(data, dict) or not isinstance(data.get("values"), list):
        raise RowError('an instance without "features" or "data": {"features": {"values": ...}}')
    keys, shape = data.get("keys", []), data.get("shape", [])
    if not _are_integers(keys) or not _are_integers(shape):
        raise RowError('"keys" and "shape" must be lists of integers')
    return Tensor(_numbers(data["values"]), tuple(keys), tuple(shape))


def _nested(instance: dict[str, Any]) -> Any:
    data = instance.get("data")
    return data.get("features") if isinstance(data, dict) else None


def _numbers(values: list[Any]) -> Float32Array:
    return table([values])[0] if values else np.empty(0, np.float32)


def _are_integers(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int for value in values)

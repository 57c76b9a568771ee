"""Arrays to and from CSV, JSON and NPY."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from sagemaker_containers import _content_types, _errors


def array_to_npy(array_like: Any) -> bytes:
    """The bytes of a .npy file."""
    buffer = io.BytesIO()
    np.save(buffer, array_like)
    return buffer.getvalue()


def npy_to_numpy(npy_array: bytes) -> Any:
    """The array in a .npy file; pickled objects are refused, unlike in the container."""
    return np.load(io.BytesIO(npy_array), allow_pickle=False)


def array_to_json(array_like: Any) -> str:
    """JSON, with arrays and numpy scalars as lists and numbers."""

    def default(value: Any) -> Any:
        if hasattr(value, "tolist"):
            return value.tolist()
        return json.JSONEncoder().default(value)

    return json.dumps(array_like, default=default)


def json_to_numpy(string_like: str | bytes, dtype: Any = None) -> Any:
    """An array of a JSON list."""
    return np.array(json.loads(string_like), dtype=dtype)


def csv_to_numpy(string_like: str, dtype: Any = None) -> Any:
    """An array of CSV rows, one-dimensional when there is one row.

    Without ``dtype`` of numbers where all cells are, otherwise of strings.
    """
    try:
        rows = list(csv.reader(io.StringIO(string_like), strict=True))
        array = np.array(rows).squeeze()
    except Exception as error:
        raise _errors.ClientError(f"Error while decoding csv: {error}") from error
    try:
        return array.astype(dtype)
    except ValueError as error:
        if dtype is None:
            return array
        raise _errors.ClientError(
            f"Error while writing numpy array: {error}. dtype is: {dtype}"
        ) from error


def array_to_csv(array_like: Any) -> str:
    """CSV, a line a row; a one-dimensional array becomes one column."""
    array = np.array(array_like)
    if array.ndim == 1:
        array = array.reshape(-1, 1)
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n", strict=True).writerows(array)
    return stream.getvalue()


_ENCODERS: Mapping[str, Callable[[Any], Any]] = {
    _content_types.NPY: array_to_npy,
    _content_types.CSV: array_to_csv,
    _content_types.JSON: array_to_json,
}
_DECODERS: Mapping[str, Callable[[Any], Any]] = {
    _content_types.NPY: npy_to_numpy,
    _content_types.CSV: csv_to_numpy,
    _content_types.JSON: json_to_numpy,
}


def decode(obj: Any, content_type: str) -> Any:
    """An array of a request body."""
    if content_type not in _DECODERS:
        raise _errors.UnsupportedFormatError(content_type)
    return _DECODERS[content_type](obj)


def encode(array_like: Any, content_type: str) -> Any:
    """A response body of an array."""
    if content_type not in _ENCODERS:
        raise _errors.UnsupportedFormatError(content_type)
    return _ENCODERS[content_type](array_like)

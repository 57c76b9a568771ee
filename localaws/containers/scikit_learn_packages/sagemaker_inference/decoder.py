"""Request bodies to arrays."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sagemaker_containers._encoders import json_to_numpy, npy_to_numpy

from sagemaker_inference import content_types, errors


def _csv_to_numpy(string_like: str | bytes, dtype: Any = None) -> Any:
    text = string_like.decode() if isinstance(string_like, bytes) else string_like
    return np.genfromtxt(io.StringIO(text), dtype=dtype, delimiter=",")


def _npz_to_sparse(npz_bytes: bytes) -> Any:
    from scipy import sparse  # type: ignore[import-untyped]

    return sparse.load_npz(io.BytesIO(npz_bytes))


_DECODERS: Mapping[str, Callable[[Any], Any]] = {
    content_types.NPY: npy_to_numpy,
    content_types.CSV: _csv_to_numpy,
    content_types.JSON: json_to_numpy,
    content_types.NPZ: _npz_to_sparse,
}


def decode(obj: Any, content_type: str) -> Any:
    """An array of a request body."""
    if content_type not in _DECODERS:
        raise errors.UnsupportedFormatError(content_type)
    return _DECODERS[content_type](obj)

"""Arrays to response bodies."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sagemaker_containers._encoders import array_to_json, array_to_npy

from sagemaker_inference import content_types, errors


def _array_to_csv(array_like: Any) -> str:
    stream = io.StringIO()
    np.savetxt(stream, array_like, delimiter=",", fmt="%s")
    return stream.getvalue()


_ENCODERS: Mapping[str, Callable[[Any], Any]] = {
    content_types.NPY: array_to_npy,
    content_types.CSV: _array_to_csv,
    content_types.JSON: array_to_json,
}

SUPPORTED_CONTENT_TYPES = set(_ENCODERS)


def encode(array_like: Any, content_type: str) -> Any:
    """A response body of an array."""
    if content_type not in _ENCODERS:
        raise errors.UnsupportedFormatError(content_type)
    return _ENCODERS[content_type](array_like)

"""Mappings as command line arguments and environment variables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def to_env_vars(mapping: Mapping[str, Any]) -> dict[str, str]:
    """``{"model_dir": "/opt/ml/model"}`` as ``{"SM_MODEL_DIR": "/opt/ml/model"}``."""
    return {f"SM_{key.upper()}": _variable(value) for key, value in mapping.items()}


def to_cmd_args(mapping: Mapping[str, Any]) -> list[str]:
    """``{"alpha": 1, "c": 2}`` as ``["--alpha", "1", "-c", "2"]``, in the order of the names."""
    arguments = []
    for name in sorted(mapping):
        arguments += [f"--{name}" if len(name) > 1 else f"-{name}", _argument(mapping[name])]
    return arguments


def _variable(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _argument(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return ",".join(f"{key}={item}" for key, item in sorted(value.items()))
    return str(value)

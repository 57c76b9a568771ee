"""Modules of user code."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType

DEFAULT_MODULE_NAME = "default_user_module_name"


def exists(name: str) -> bool:
    """Whether a module can be imported."""
    return importlib.util.find_spec(name) is not None


def import_module(uri: str, name: str = DEFAULT_MODULE_NAME) -> ModuleType:
    """Import a module from a folder."""
    if uri not in sys.path:
        sys.path.insert(0, uri)
    return importlib.import_module(name)

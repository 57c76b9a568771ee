"""Old names that scripts use, for the package that has them today.

Imported when an interpreter of a container starts (a line of its environment's ``.pth`` file).
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from types import ModuleType
from typing import Any

MOVED = {"sklearn.externals.joblib": "joblib", "sklearn.externals.six": "six"}
"""Gone from scikit-learn 0.23 on (https://scikit-learn.org/stable/whats_new/v0.23.html)."""


class MovedModules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds a module under the name that it once had."""

    def __init__(self) -> None:
        self._specifications: dict[str, Any] = {}

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name not in MOVED or importlib.util.find_spec(MOVED[name]) is None:
            return None
        return importlib.machinery.ModuleSpec(name, self)

    def create_module(self, spec: Any) -> ModuleType:
        print(
            f"{spec.name} is gone from this scikit-learn; {MOVED[spec.name]} takes its place "
            "(the script was written for a framework_version below 0.23)",
            file=sys.stderr,
        )
        module = importlib.import_module(MOVED[spec.name])
        self._specifications[module.__name__] = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """It has run already, under its own name, and keeps its own specification."""
        module.__spec__ = self._specifications.pop(module.__name__)


def install() -> None:
    """Look here for what no other finder has found."""
    if not any(isinstance(finder, MovedModules) for finder in sys.meta_path):
        sys.meta_path.append(MovedModules())


install()

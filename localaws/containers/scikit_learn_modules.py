"""Modules of user scripts, imported side by side in one process without meeting each other."""

import builtins
import importlib
import logging
import sys
import threading
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

PACKAGES = Path(__file__).with_name("scikit_learn_packages")
"""The toolkit packages that scripts expect to find in their container."""

Entry = TypeVar("Entry")
Logger = logging.Logger | logging.PlaceHolder

_LOGGERS = logging.root.manager.loggerDict
_import_lock = threading.RLock()


class ScriptModules:
    """The modules of one code folder.

    They are in ``sys.modules``, under the names that the script uses, only while ``importable`` is
    entered; then they are put away, so that the next script's module of the same name is another,
    and the loggers of these names with them. An ``import`` statement in one of them, whenever it
    runs, enters it for names of the folder.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._names = frozenset(_module_names(directory))
        self._loaded: dict[str, ModuleType] = {}
        self._loggers: dict[str, Logger] = {}
        self._entered = False
        self._builtins = {**vars(builtins), "__import__": self._import}

    def load(self, name: str) -> ModuleType:
        """Import a module; only within ``importable``."""
        return importlib.import_module(name)

    @contextmanager
    def importable(self) -> Iterator[None]:
        """Modules of the folder can be imported."""
        with _import_lock:
            if self._entered:
                yield
            else:
                with self._in_place():
                    yield

    @contextmanager
    def _in_place(self) -> Iterator[None]:
        self._entered = True
        hidden, hidden_loggers = self._take_away(sys.modules), self._take_away(_LOGGERS)
        sys.modules.update(self._loaded)
        _LOGGERS.update(self._loggers)
        sys.meta_path.insert(0, self)
        add_packages()
        importlib.invalidate_caches()
        try:
            yield
        finally:
            sys.meta_path.remove(self)
            self._loaded, self._loggers = self._take_away(sys.modules), self._take_away(_LOGGERS)
            sys.modules.update(hidden)
            _LOGGERS.update(hidden_loggers)
            self._entered = False

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module of the folder, for Python's import system."""
        if not self._is_own(name):
            return None
        spec = PathFinder.find_spec(name, path or [str(self._directory)])
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _ScriptLoader(name, spec.loader.path, self._builtins)
        return spec

    def _import(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """What an ``import`` statement calls in modules of the folder."""
        if level == 0 and not self._is_own(name):
            return __import__(name, globals, locals, fromlist, level)
        with self.importable():
            return __import__(name, globals, locals, fromlist, level)

    def _is_own(self, name: str) -> bool:
        return name.partition(".")[0] in self._names

    def _take_away(self, entries: MutableMapping[str, Entry]) -> dict[str, Entry]:
        return {name: entries.pop(name) for name in list(entries) if self._is_own(name)}


class _ScriptLoader(SourceFileLoader):
    """Runs a module with builtins of its script's own."""

    def __init__(self, name: str, path: str, own_builtins: Mapping[str, Any]) -> None:
        super().__init__(name, path)
        self._builtins = own_builtins

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["__builtins__"] = self._builtins
        super().exec_module(module)


def _module_names(directory: Path) -> Iterator[str]:
    for path in directory.iterdir():
        if path.suffix == ".py" or path.is_dir():
            yield path.stem


def add_packages() -> None:
    """Let PACKAGES be found, behind everything else: packages really installed come first."""
    if str(PACKAGES) not in sys.path:
        sys.path.append(str(PACKAGES))


@cache
def toolkit(name: str) -> ModuleType:
    """A module of ``sagemaker_containers``, the one that scripts have."""
    add_packages()
    return importlib.import_module(f"sagemaker_containers.{name}")

"""Modules of user scripts, imported side by side in one process without meeting each other."""

import importlib
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

PACKAGES = Path(__file__).with_name("scikit_learn_packages")
"""The toolkit packages that scripts expect to find in their container."""

_import_lock = threading.RLock()


class ScriptModules:
    """The modules of one code folder.

    They are in ``sys.modules``, under the names that the script uses, only while ``importable`` is
    entered; then they are put away, so that the next script's module of the same name is another.
    """

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self._directory = directory
        self._environment = environment
        self._names = frozenset(_module_names(directory))
        self._loaded: dict[str, ModuleType] = {}

    def has(self, name: str | None) -> bool:
        """Whether a module of this (perhaps dotted) name comes from the folder."""
        return name is not None and name.partition(".")[0] in self._names

    def load(self, name: str) -> ModuleType:
        """Import a module; only within ``importable``."""
        return importlib.import_module(name)

    @contextmanager
    def importable(self) -> Iterator[None]:
        """The folder is first on the path, and the container's environment variables are set."""
        with _import_lock, _variables(self._environment):
            hidden = {name: sys.modules.pop(name) for name in list(sys.modules) if self.has(name)}
            sys.modules.update(self._loaded)
            sys.path.insert(0, str(self._directory))
            _add_packages()
            importlib.invalidate_caches()
            try:
                yield
            finally:
                sys.path.remove(str(self._directory))
                own = [name for name in list(sys.modules) if self.has(name)]
                self._loaded = {name: sys.modules.pop(name) for name in own}
                sys.modules.update(hidden)


@contextmanager
def _variables(environment: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _module_names(directory: Path) -> Iterator[str]:
    for path in directory.iterdir():
        if path.suffix == ".py" or path.is_dir():
            yield path.stem


def _add_packages() -> None:
    """Behind everything else, so that packages that are really installed come first."""
    if str(PACKAGES) not in sys.path:
        sys.path.append(str(PACKAGES))

"""The package as a whole."""

import ast
import doctest
import sys
from collections.abc import Iterator
from pathlib import Path

import iam_policy

FILES = sorted(Path(iam_policy.__path__[0]).glob("*.py"))


def test_the_example_of_the_package_is_true() -> None:
    result = doctest.testmod(iam_policy)
    assert (result.failed, result.attempted) == (0, 4)


def test_it_needs_the_standard_library_alone() -> None:
    imported = {module for file in FILES for module in _imported_modules(file)}
    assert imported <= sys.stdlib_module_names | {"iam_policy"}


def _imported_modules(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]

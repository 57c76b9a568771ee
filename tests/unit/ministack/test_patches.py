import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from localaws.ministack import patches
from localaws.ministack.patches import PATCHES, MiniStackChangedError

PACKAGE = Path(patches.__file__).parent
SOURCES = {
    path: ast.parse(path.read_text()) for path in PACKAGE.rglob("*.py") if path.stem != "patches"
}

FRESH_MINISTACK = """
import sys
from importlib import import_module
from localaws.ministack import embedding, patches
from localaws.state import open_state
from pathlib import Path

embedding.configure(open_state(Path(sys.argv[1])), 1)
for patch in patches.PATCHES:
    module, *path = "ministack", *patch.name.split(".")
    owner = import_module(module)
    for part in path[:-1]:
        try:
            owner = import_module(f"{owner.__name__}.{part}")
        except ModuleNotFoundError:
            owner = getattr(owner, part)
    value = getattr(owner, path[-1], None)
    if not hasattr(owner, path[-1]) or patch.differs(value):
        print(patch.name, patches.shape_of(value))
for used in sys.argv[2:]:
    module, _, name = used.partition(":")
    if not hasattr(import_module(module), name):
        print(used)
"""


def test_ministack_has_every_patched_and_every_private_name(tmp_path: Path) -> None:
    """In a process of its own, where nothing was replaced yet."""
    used = sorted({f"{module}:{name}" for module, name, _ in _uses_of_ministack()})
    found = subprocess.run(
        [sys.executable, "-c", FRESH_MINISTACK, str(tmp_path / "state"), *used],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.splitlines() == []
    assert len(used) > 50


def test_the_table_alone_sets_names_of_ministack() -> None:
    set_elsewhere = [
        f"{module}.{name}" for module, name, context in _uses_of_ministack() if context != "Load"
    ]
    assert set_elsewhere == []


def test_every_patch_of_the_table_is_applied_somewhere() -> None:
    written = {
        node.value
        for tree in SOURCES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert [p.name for p in PATCHES if p.name.rpartition(".")[2] not in written] == []


def test_no_name_is_in_the_table_twice() -> None:
    assert len({patch.name for patch in PATCHES}) == len(PATCHES)


def test_a_name_that_the_table_lacks_is_not_replaced() -> None:
    module = ModuleType("ministack.services.s3")
    with pytest.raises(MiniStackChangedError, match=r"services\.s3\._nothing is not in the table"):
        patches.replace(module, "_nothing", lambda original: original)


def test_a_name_that_ministack_lacks_is_said_to_be_missing() -> None:
    module = ModuleType("ministack.services.s3")
    with pytest.raises(MiniStackChangedError, match=r"MiniStack has no .*s3\._copy_object"):
        patches.replace(module, "_copy_object", lambda original: original)


def test_a_function_with_other_parameters_is_not_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patches, "_originals", {})
    module = ModuleType("ministack.services.s3")

    def copy(bucket_name: str, dest_key: str) -> None: ...

    module._copy_object = copy  # type: ignore[attr-defined]
    with pytest.raises(MiniStackChangedError, match=r"is \(bucket_name, dest_key\) and not"):
        patches.replace(module, "_copy_object", lambda original: original)
    assert module._copy_object is copy


def _uses_of_ministack() -> Iterator[tuple[str, str, str]]:
    """(module, attribute, how) of each attribute of a module of MiniStack in our sources."""
    for tree in SOURCES.values():
        modules = dict(_imported_modules(tree))
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id in modules
            ):
                yield modules[node.value.id], node.attr, type(node.ctx).__name__


def _imported_modules(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ministack"):
            for name in node.names:
                if name.name.islower():
                    path = Path(f"{node.module}.{name.name}".replace(".", "/"))
                    if _is_module(path):
                        yield name.asname or name.name, f"{node.module}.{name.name}"


def _is_module(path: Path) -> bool:
    return any(
        (Path(folder) / path).with_suffix(".py").exists()
        or (Path(folder) / path / "__init__.py").exists()
        for folder in sys.path
    )

"""The folder constructs/ stays invisible to imports of the package constructs; wheels are whole."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_folder_constructs_is_not_a_package() -> None:
    assert not (ROOT / "constructs" / "__init__.py").exists()


def test_import_constructs_finds_the_package_of_the_cdk() -> None:
    spec = find_spec("constructs")
    assert spec is not None
    assert spec.origin is not None
    assert "site-packages" in Path(spec.origin).parts


def test_the_distribution_localaws_lists_every_package() -> None:
    folder = ROOT / "localaws"
    settings = tomllib.loads((folder / "pyproject.toml").read_text())["tool"]["setuptools"]
    packages = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for path in folder.rglob("__init__.py")
        if "scikit_learn_packages" not in path.parts
    }
    assert set(settings["packages"]) == packages


OF_THE_APP = {"iam_policy", "training"}
OF_THE_CONTAINER = {"sagemaker_containers", "sagemaker_inference", "sagemaker_sklearn_container"}
OF_OLDER_PYTHONS = {"backports"}


def test_the_distribution_localaws_declares_what_it_imports() -> None:
    folder = ROOT / "localaws"
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *chain.from_iterable(extras)]
    declared = {re.split(r"[^\w.-]", each)[0] for each in wanted}
    owners = packages_distributions()
    sources = [p for p in folder.rglob("*.py") if "scikit_learn_packages" not in p.parts]
    used = {name for path in sources for name in _third_parties(path)} - {"localaws"}
    undeclared = {name for name in used if not declared & set(owners.get(name, []))}
    assert undeclared <= OF_THE_APP | OF_THE_CONTAINER | OF_OLDER_PYTHONS


def _third_parties(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        else:
            continue
        yield from (
            first for name in names if (first := name.split(".")[0]) not in sys.stdlib_module_names
        )

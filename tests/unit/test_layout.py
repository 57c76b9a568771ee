"""The folder constructs/ must stay invisible to Python's import of the package constructs."""

from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_folder_constructs_is_not_a_package() -> None:
    assert not (ROOT / "constructs" / "__init__.py").exists()


def test_import_constructs_finds_the_package_of_the_cdk() -> None:
    spec = find_spec("constructs")
    assert spec is not None
    assert spec.origin is not None
    assert "site-packages" in Path(spec.origin).parts

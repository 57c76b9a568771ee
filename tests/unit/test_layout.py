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


def test_nothing_but_localaws_and_tests_imports_localaws() -> None:
    folders = ("stacks", "constructs", "training", "scripts", "iam_policy")
    sources = [ROOT / "app.py", *(p for f in folders for p in (ROOT / f).rglob("*.py"))]
    offenders = [
        str(path.relative_to(ROOT))
        for path in sources
        if path.exists()
        and any(
            line.startswith(("import localaws", "from localaws"))
            for line in path.read_text().splitlines()
        )
    ]
    assert offenders == []

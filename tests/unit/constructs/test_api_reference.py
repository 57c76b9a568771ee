"""The API reference is what the docstrings say."""

import runpy
from pathlib import Path

CONSTRUCTS = Path(__file__).parents[3] / "constructs"


def test_the_committed_reference_is_written_from_the_docstrings() -> None:
    """Where it is not: python constructs/write_api_reference.py."""
    written = runpy.run_path(str(CONSTRUCTS / "write_api_reference.py"))["reference"]()
    assert (CONSTRUCTS / "API.md").read_text() == written


def test_everything_exported_has_a_docstring() -> None:
    text = (CONSTRUCTS / "API.md").read_text()
    empty = [part.split("\n")[0] for part in text.split("\n## ")[1:] if len(part.split()) < 4]
    assert empty == []

"""Rows of text in a file that is whole, or named and kept."""

import sqlite3
from pathlib import Path

import pytest

from localaws.row_store import RowStore
from localaws.state import StateError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows.sqlite"


def test_rows_are_there_when_the_file_is_opened_again(path: Path) -> None:
    RowStore(path).write({("part", "a"): "1", ("part", "b"): "2"})
    RowStore(path).write({("part", "a"): "3"}, deleted=[("part", "b")])
    assert RowStore(path).load() == {("part", "a"): "3"}


def test_a_change_is_whole_or_nothing(path: Path) -> None:
    store = RowStore(path)
    with pytest.raises(sqlite3.Error):
        store.write({("part", "a"): "1", ("part", "b"): None})  # type: ignore[dict-item]
    assert store.load() == {}


@pytest.mark.parametrize("content", [b"", b"{half", b"SQLite format 3\0" + bytes(1000)])
def test_a_damaged_file_is_kept_under_another_name(
    path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_bytes(content)
    store = RowStore(path)
    store.write({("part", "a"): "1"})
    assert RowStore(path).load() == {("part", "a"): "1"}
    (kept,) = path.parent.glob("rows.sqlite.damaged-*")
    assert kept.read_bytes() == content
    assert str(path) in caplog.text


def test_pages_that_are_damaged_are_kept_too(path: Path) -> None:
    store = RowStore(path)
    store.write({("part", str(number)): "x" * 100 for number in range(1000)})
    store.close()
    content = bytearray(path.read_bytes())
    content[4096:-4096] = bytes(len(content) - 8192)
    path.write_bytes(content)
    assert RowStore(path).load() == {}
    assert len(list(path.parent.glob("rows.sqlite.damaged-*"))) == 1


def test_a_database_of_another_program_is_refused(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA application_id = 7")
    connection.close()
    with pytest.raises(StateError, match="of another program"):
        RowStore(path)

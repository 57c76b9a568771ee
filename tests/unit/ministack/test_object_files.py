"""S3 objects are whole and as they were saved, whenever the process is killed."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ministack.services import s3

from localaws.damage import kept_aside
from localaws.ministack.s3.object_files import ObjectFiles, same_bytes
from localaws.ministack.s3.small_bodies import MOST_BYTES, SmallBodies
from localaws.row_store import RowStore
from localaws.state import StateError

SMALL = b"weights"
LARGE = b"x" * (MOST_BYTES + 1)
BODIES = pytest.mark.parametrize("body", [b"", SMALL, LARGE], ids=["empty", "small", "large"])


@pytest.fixture(autouse=True)
def _empty_store() -> Iterator[None]:
    yield
    s3._buckets.clear()


def begin(folder: Path) -> ObjectFiles:
    """As a start does."""
    s3._buckets.clear()
    files = ObjectFiles(folder / "object-files", folder / "services")
    files.load()
    return files


def put(files: ObjectFiles, key: str, body: bytes, **facts: Any) -> None:
    files.put("store", key, {"body": body, "size": len(body), "etag": '"1"', **facts})


def read(files: ObjectFiles, key: str) -> bytes | None:
    record = (s3._buckets.get("store") or {"objects": {}})["objects"].get(key)
    return None if record is None else files.read("store", key, record)


def left_on_disk(folder: Path) -> int:
    """The numbers of bytes that are there, named or not."""
    return len(list((folder / "object-files").iterdir())) + len(
        SmallBodies(folder / "services" / "s3_bodies.sqlite").sizes()
    )


@BODIES
def test_what_was_saved_is_there_after_a_kill(tmp_path: Path, body: bytes) -> None:
    files = begin(tmp_path)
    put(files, "a/b", body, metadata={"city": "Chicago"})
    files.save()
    again = begin(tmp_path)
    assert read(again, "a/b") == body
    assert s3._buckets["store"]["objects"]["a/b"]["metadata"] == {"city": "Chicago"}


@BODIES
def test_what_was_not_saved_leaves_nothing(tmp_path: Path, body: bytes) -> None:
    put(begin(tmp_path), "a/b", body)
    assert read(begin(tmp_path), "a/b") is None
    assert left_on_disk(tmp_path) == 0


@pytest.mark.parametrize("old", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("new", [b"new", LARGE + b"new"], ids=["small", "large"])
@pytest.mark.parametrize("is_saved", [False, True], ids=["killed before", "saved"])
def test_an_object_that_is_put_again_is_old_or_new(
    tmp_path: Path, old: bytes, new: bytes, *, is_saved: bool
) -> None:
    files = begin(tmp_path)
    put(files, "a", old, content_type="old")
    files.save()
    put(files, "a", new, content_type="new")
    if is_saved:
        files.save()
    again = begin(tmp_path)
    kind = s3._buckets["store"]["objects"]["a"]["content_type"]
    assert (read(again, "a"), kind) == ((new, "new") if is_saved else (old, "old"))
    assert left_on_disk(tmp_path) == 1


@BODIES
def test_a_deleted_object_stays_deleted(tmp_path: Path, body: bytes) -> None:
    files = begin(tmp_path)
    put(files, "a", body)
    files.save()
    files.delete("store", "a")
    files.save()
    assert read(begin(tmp_path), "a") is None
    assert left_on_disk(tmp_path) == 0


def test_a_delete_marker_hides_the_object_and_keeps_its_bytes(tmp_path: Path) -> None:
    files = begin(tmp_path)
    put(files, "a", SMALL)
    files.hide("store", "a", {"version_id": "2", "last_modified": "now"})
    files.save()
    assert read(begin(tmp_path), "a") is None
    assert left_on_disk(tmp_path) == 1


@BODIES
def test_tags_and_metadata_change_without_the_bytes(tmp_path: Path, body: bytes) -> None:
    files = begin(tmp_path)
    put(files, "a", body)
    files.put("store", "a", {"body": None, "size": len(body), "content_type": "text/csv"})
    files.save()
    assert read(begin(tmp_path), "a") == body
    assert s3._buckets["store"]["objects"]["a"]["content_type"] == "text/csv"


def test_a_file_that_holds_the_bytes_gets_a_second_name(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_bytes(LARGE)
    files = begin(tmp_path)
    token = same_bytes.set(there)
    put(files, "a", LARGE)
    same_bytes.reset(token)
    path = files.path("store", "a")
    assert path is not None
    assert path.samefile(there)


def test_what_the_disk_does_not_take_is_saved_once_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    files = begin(tmp_path)
    put(files, "a", SMALL)
    with monkeypatch.context() as patched:
        patched.setattr(RowStore, "write", full)
        with pytest.raises(sqlite3.OperationalError):
            files.save()
    files.save()
    assert read(begin(tmp_path), "a") == SMALL


def test_a_damaged_object_is_named_and_kept_and_the_others_are_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = begin(tmp_path)
    put(files, "cut", LARGE)
    put(files, "whole", LARGE)
    put(files, "gone", SMALL)
    files.save()
    path = files.path("store", "cut")
    assert path is not None
    path.write_bytes(b"short")
    small = SmallBodies(tmp_path / "services" / "s3_bodies.sqlite")
    small.write({}, small.sizes())
    again = begin(tmp_path)
    assert (read(again, "whole"), read(again, "cut"), read(again, "gone")) == (LARGE, None, None)
    assert f"s3://store/cut is damaged (it has 5 bytes and not {len(LARGE)})" in caplog.text
    assert "s3://store/gone is damaged (its bytes are gone)" in caplog.text
    kept = [path.read_bytes() for folder in kept_aside(tmp_path) for path in folder.iterdir()]
    assert b"short" in kept


@pytest.mark.parametrize("row", ["{half", "[]", "1", "{}", '{"size": 1, "number": "x"}'])
def test_a_row_that_cannot_be_read_is_named_and_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, row: str
) -> None:
    begin(tmp_path)
    rows = RowStore(tmp_path / "services" / "s3_objects.sqlite")
    rows.write({("123456789012/store", "a"): row})
    begin(tmp_path)
    assert "s3://store/a is damaged (what is known of it cannot be read)" in caplog.text
    assert rows.load() == {}


def test_files_are_kept_where_the_rows_cannot_be_read(tmp_path: Path) -> None:
    files = begin(tmp_path)
    put(files, "a", LARGE)
    files.save()
    files.close()
    (tmp_path / "services" / "s3_objects.sqlite").write_bytes(b"no database at all" * 100)
    assert read(begin(tmp_path), "a") is None
    (folder,) = [path for path in kept_aside(tmp_path) if path.is_dir()]
    assert [path.read_bytes() for path in folder.iterdir()] == [LARGE]


@pytest.mark.parametrize("name", ["s3_objects.sqlite", "s3_bodies.sqlite"])
def test_a_database_that_cannot_be_opened_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "services" / name).mkdir(parents=True)
    with pytest.raises(StateError, match=f"{name} cannot be opened"):
        begin(tmp_path)

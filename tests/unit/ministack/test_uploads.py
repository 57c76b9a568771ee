"""Uploads in parts go on after a kill, and leave nothing behind."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ministack.services import s3

from localaws.damage import kept_aside
from localaws.ministack.s3 import uploads
from localaws.ministack.s3.uploads import Uploads

ID = "upload-1"


@pytest.fixture(autouse=True)
def _empty_store() -> Iterator[None]:
    yield
    s3._multipart_uploads.clear()


def begin(folder: Path) -> Uploads:
    """As a start does."""
    s3._multipart_uploads.clear()
    found = Uploads(folder / "parts", folder)
    found.load()
    return found


def create(store: Uploads) -> None:
    def create_upload(*_: Any) -> Any:
        s3._multipart_uploads[ID] = {"bucket": "b", "key": "k", "parts": {}}
        return 200, {}, f"<UploadId>{ID}</UploadId>".encode()

    store._creating(create_upload)("b", "k", {})


def add(store: Uploads, number: int, body: bytes) -> Any:
    def upload_part(*_: Any) -> Any:
        part = {"body": body, "size": len(body), "etag": str(number)}
        s3._multipart_uploads[ID]["parts"][number] = part
        return 200, {}, b""

    query = {"uploadId": [ID], "partNumber": [str(number)]}
    return store._adding(upload_part)("b", "k", body, query, {})


def complete(store: Uploads, status: int = 200) -> bytes:
    """The object of all parts."""
    bodies: list[bytes] = []

    def complete_upload(*_: Any) -> Any:
        parts = s3._multipart_uploads[ID]["parts"]
        bodies.extend(parts[number]["body"] for number in sorted(parts))
        if status == 200:
            del s3._multipart_uploads[ID]
        return status, {}, b""

    store._completing(complete_upload)("b", "k", b"", {"uploadId": [ID]}, {})
    return b"".join(bodies)


def left_on_disk(folder: Path) -> int:
    return len(list((folder / "parts").iterdir()))


def test_what_was_saved_goes_on_after_a_kill(tmp_path: Path) -> None:
    store = begin(tmp_path)
    create(store)
    add(store, 1, b"one")
    store.save()
    again = begin(tmp_path)
    add(again, 2, b"two")
    assert complete(again) == b"onetwo"


def test_parts_are_not_held_in_memory(tmp_path: Path) -> None:
    store = begin(tmp_path)
    create(store)
    add(store, 1, b"one")
    complete(store, status=400)
    assert s3._multipart_uploads[ID]["parts"][1]["body"] is None


def test_a_part_that_comes_again_takes_the_place_of_the_first(tmp_path: Path) -> None:
    store = begin(tmp_path)
    create(store)
    add(store, 1, b"first")
    store.save()
    add(store, 1, b"second")
    store.save()
    assert left_on_disk(tmp_path) == 1
    assert complete(begin(tmp_path)) == b"second"


def test_an_upload_that_is_complete_leaves_nothing(tmp_path: Path) -> None:
    store = begin(tmp_path)
    create(store)
    add(store, 1, b"one")
    store.save()
    complete(store)
    store.save()
    assert left_on_disk(tmp_path) == 0
    begin(tmp_path)
    assert ID not in s3._multipart_uploads


def test_a_part_that_was_not_saved_leaves_nothing(tmp_path: Path) -> None:
    store = begin(tmp_path)
    create(store)
    add(store, 1, b"one")
    begin(tmp_path)
    assert left_on_disk(tmp_path) == 0


def test_more_than_is_put_together_in_memory_is_refused_and_what_was_there_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MOST_BYTES", 5)
    store = begin(tmp_path)
    create(store)
    assert add(store, 1, b"four")[0] == 200
    assert add(store, 2, b"x" * 4)[0] == 400
    assert add(store, 1, b"x" * 6)[0] == 400
    assert complete(store) == b"four"


def test_a_part_that_is_cut_short_is_named_and_the_others_stay(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = begin(tmp_path)
    create(store)
    add(store, 1, b"one")
    add(store, 2, b"two")
    store.save()
    file = s3._multipart_uploads[ID]["parts"][1]["file"]
    (tmp_path / "parts" / file).write_bytes(b"o")
    again = begin(tmp_path)
    assert f"part 1 of the upload 000000000000/{ID} of S3 is damaged" in caplog.text
    assert complete(again) == b"two"


def test_of_a_damaged_database_the_parts_are_kept(tmp_path: Path) -> None:
    store = begin(tmp_path)
    create(store)
    add(store, 1, b"one")
    store.save()
    store.close()
    (tmp_path / "s3_uploads.sqlite").write_bytes(b"no database")
    begin(tmp_path)
    (kept,) = [path for path in kept_aside(tmp_path) if path.is_dir()]
    assert [file.read_bytes() for file in kept.iterdir()] == [b"one"]

"""The bytes of S3 objects, and what is known of them, as they lie on disk.

Bytes have a number, are written once and never changed: an object that is put again has a new
number. Those of a large object are a file, those of a small one a row of a database. They count
from the moment that the object's own row is saved, with all other changes some times a second: a
kill leaves each object as it was or as it became, and not between.
"""

import contextlib
import json
import logging
import os
import threading
from collections.abc import Iterable, Mapping, MutableMapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from ministack.core.responses import get_account_id
from ministack.services import s3

from localaws.damage import kept_beside
from localaws.ministack import patches
from localaws.ministack.s3.object_records import Known, damage_of, read_known, restore
from localaws.ministack.s3.small_bodies import MOST_BYTES, SmallBodies
from localaws.row_store import Changes, Key, RowStore

same_bytes: ContextVar[Path | None] = ContextVar("same_bytes", default=None)
"""A file that holds the bytes of the object that is being put, and that nobody changes."""

logger = logging.getLogger(__name__)


class ObjectFiles:
    """All objects: files in ``directory``, rows and small bodies in databases of ``databases``."""

    def __init__(self, directory: Path, databases: Path) -> None:
        for folder in (directory, databases):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._rows = RowStore(databases / "s3_objects.sqlite")
        self._small = SmallBodies(databases / "s3_bodies.sqlite")
        self._numbers: dict[str, dict[str, int]] = {}
        """Of the objects' bytes, by account and bucket and by key; those of small ones below 0."""
        large = (int(path.name, 16) for path in directory.iterdir())
        self._last = max(-self._small.least(), *large, 0)
        self._lock = threading.Lock()
        self._changes: Changes[Known, int] = Changes()
        self._unsaved: dict[int, bytes] = {}

    def install(self) -> None:
        """Take the place of MiniStack's pairs of files: see the table of patches."""
        patches.replace(s3, "_persist_object", lambda _: self.put)
        patches.replace(s3, "_persist_delete_marker", lambda _: self.hide)
        patches.replace(s3, "_delete_persisted_object", lambda _: self.delete)
        patches.replace(s3, "_read_body", lambda _: self.read)

    def put(self, bucket: str, key: str, record: MutableMapping[str, Any]) -> None:
        """Keep an object; without bytes in the record, only what is known of it.

        Raises
        ------
        OSError
            When the disk does not take it.
        """
        body = record.get("body")
        new = None if body is None else self._keep(body)
        record["body"] = None  # it is kept here now
        self._note(bucket, key, s3._object_meta_from_record(record), new)

    def hide(self, bucket: str, key: str, marker: Mapping[str, Any]) -> None:
        """Keep a delete marker; the bytes that it hides stay."""
        known = {name: marker.get(name) for name in ("version_id", "last_modified")}
        self._note(bucket, key, {"is_delete_marker": True, **known}, None)

    def delete(self, bucket: str, key: str) -> None:
        """Forget an object."""
        part = _part(bucket)
        gone = self._numbers.get(part, {}).pop(key, None)
        self._changes.note((part, key), None, *([] if gone is None else [gone]))

    def read(self, bucket: str, key: str, record: Mapping[str, Any]) -> bytes:
        """The bytes of an object; none where they are gone, which the log says."""
        body: bytes | None = record.get("body")
        number = self._numbers.get(_part(bucket), {}).get(key)
        if body is None and number is not None:
            body = self._bytes(number)
            if body is None:
                logger.warning("the bytes of s3://%s/%s are gone", bucket, key)
        return body or b""

    def path(self, bucket: str, key: str) -> Path | None:
        """The file of a large object's bytes, which nobody changes."""
        number = self._numbers.get(_part(bucket), {}).get(key)
        return None if number is None or number < 0 else self._path(number)

    def save(self) -> None:
        """Save what changed, and remove the bytes that no row names any more.

        Raises
        ------
        sqlite3.Error
            When the disk does not take it; it is kept for the next time.
        """
        with self._changes.taken() as (changed, dropped):
            if not changed:
                return
            bodies = dict(self._unsaved)
            texts = {key: json.dumps(known) for key, known in changed.items() if known is not None}
            self._small.write(bodies)
            self._rows.write(texts, [key for key, known in changed.items() if known is None])
        for number in bodies:
            del self._unsaved[number]
        self._remove(dropped)

    def close(self) -> None:
        """Release the databases."""
        self._rows.close()
        self._small.close()

    def load(self) -> None:
        """Bring all objects back; those that are damaged are named and set aside."""
        rows = self._rows.load()
        if self._rows.began_anew:
            self._directory.rename(kept_beside(self._directory))
            self._directory.mkdir(mode=0o700)
        sizes = self._sizes()
        for (part, key), text in rows.items():
            known = read_known(text)
            number = known.get("number")
            damage = damage_of(known, sizes)
            if damage is not None:
                self._set_aside((part, key), text, damage, number)
            else:
                if number is not None:
                    self._numbers.setdefault(part, {})[key] = number
                restore(part, key, known)
            if number is not None:
                sizes.pop(number, None)
        self._remove(sizes)  # written, and killed before anybody could count on it

    def adopt(self, bucket: str, key: str, record: MutableMapping[str, Any], path: Path) -> None:
        """Keep an object, or a delete marker, whose bytes are in a file that stays for now."""
        if path.is_file():  # a marker may hide nothing
            self._numbers.setdefault(_part(bucket), {})[key] = self._keep(path.read_bytes())
        if record.get("is_delete_marker"):
            self.hide(bucket, key, record)
        else:
            self.put(bucket, key, record)

    def _keep(self, body: bytes) -> int:
        """Write bytes, or note them to be saved; their number."""
        number = self._next()
        if len(body) <= MOST_BYTES:
            self._unsaved[-number] = body
            return -number
        path, same = self._path(number), same_bytes.get()
        if same is not None:
            with contextlib.suppress(OSError):
                os.link(same, path)
                return number
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(body)
        except OSError:
            path.unlink(missing_ok=True)
            raise
        return number

    def _bytes(self, number: int) -> bytes | None:
        if number < 0:
            unsaved = self._unsaved.get(number)
            return self._small.read(number) if unsaved is None else unsaved
        with contextlib.suppress(FileNotFoundError):
            return self._path(number).read_bytes()
        return None

    def _note(self, bucket: str, key: str, known: Known, new: int | None) -> None:
        part = _part(bucket)
        numbers = self._numbers.setdefault(part, {})
        old = numbers.get(key)
        if new is not None:
            numbers[key] = new
        row = {**known, **s3._key_history_meta(bucket, key), "number": numbers.get(key)}
        replaced = old if new is not None else None
        self._changes.note((part, key), row, *([] if replaced is None else [replaced]))

    def _next(self) -> int:
        with self._lock:
            self._last += 1
            return self._last

    def _path(self, number: int) -> Path:
        return self._directory / f"{number:x}"

    def _sizes(self) -> dict[int, int]:
        """The lengths of all bytes that are there, by number."""
        with os.scandir(self._directory) as entries:
            files = {int(entry.name, 16): entry.stat().st_size for entry in entries}
        return {**files, **self._small.sizes()}

    def _remove(self, numbers: Iterable[int]) -> None:
        gone = set(numbers)
        for number in gone:
            if number > 0:
                self._path(number).unlink(missing_ok=True)
        if gone:
            self._small.write({}, [number for number in gone if number < 0])

    def _set_aside(self, row: Key, text: str, damage: str, number: int | None) -> None:
        part, key = row
        place = kept_beside(self._directory)
        place.mkdir(mode=0o700, exist_ok=True)
        kept = place / s3._encoded_key_name(f"{part}/{key}")
        kept.with_name(f"{kept.name}.json").write_text(text)
        body = None if number is None else self._bytes(number)
        if number is not None and body is not None:
            kept.write_bytes(body)
            self._remove([number])
        self._rows.write({}, [row])
        bucket = part.partition("/")[2]
        logger.error("s3://%s/%s is damaged (%s): kept as %s", bucket, key, damage, kept)


def _part(bucket: str) -> str:
    """The rows of a bucket of the account that a request is made in."""
    return f"{get_account_id()}/{bucket}"

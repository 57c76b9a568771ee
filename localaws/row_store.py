"""Rows of text in one SQLite file: each change is one transaction, and costs what it changes.

A file that cannot be read is set aside under another name and said so: what it holds is kept for
whoever can mend it, and everything else works.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar

from localaws.damage import set_aside
from localaws.state import StateError

APPLICATION_ID = 0x4C415752  # "LAWR"
Key = tuple[str, str]
"""A part of the file and a name within it."""


Value = TypeVar("Value")
Name = TypeVar("Name")


class Changes(Generic[Value, Name]):
    """Rows that are to be saved together, None for those that go; safe to use from any thread.

    With them goes what is needless once they are saved.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[Key, Value | None] = {}
        self._needless: list[Name] = []

    def note(self, key: Key, value: Value | None, *needless: Name) -> None:
        """A row becomes this."""
        with self._lock:
            self._rows[key] = value
            self._needless += needless

    @contextmanager
    def taken(self) -> Iterator[tuple[dict[Key, Value | None], list[Name]]]:
        """All until now; they come again the next time where the block fails to save them."""
        with self._lock:
            rows, self._rows = self._rows, {}
            needless, self._needless = self._needless, []
        try:
            yield rows, needless
        except BaseException:
            with self._lock:
                self._rows = {**rows, **self._rows}
                self._needless += needless
            raise


class RowStore:
    """Rows by part and name; safe to use from any thread.

    Raises
    ------
    StateError
        For a file of another program, and for one that cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.began_anew = False
        """Whether what was there could not be read."""
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            self._open()
        except sqlite3.OperationalError as error:  # a full disk, say: the file is as it was
            raise StateError(f"{path} cannot be opened: {error}") from error
        except sqlite3.DatabaseError as error:
            self._start_anew(str(error))

    def load(self) -> dict[Key, str]:
        """Everything; empty when it could not be read, which is said in the log.

        Raises
        ------
        StateError
        """
        try:
            with self._lock:
                rows = self._connection.execute("SELECT part, name, value FROM rows").fetchall()
        except sqlite3.OperationalError as error:
            raise StateError(f"{self._path} cannot be read: {error}") from error
        except sqlite3.DatabaseError as error:
            self._start_anew(str(error))
            return {}
        return {(part, name): value for part, name, value in rows}

    def write(self, changed: Mapping[Key, str], deleted: Iterable[Key] = ()) -> None:
        """Put and delete rows, all or none. Raises ``sqlite3.Error`` when that fails."""
        with self._lock, self._connection:
            self._connection.execute("BEGIN")
            self._connection.executemany(
                "INSERT OR REPLACE INTO rows VALUES (?, ?, ?)",
                ((*key, value) for key, value in changed.items()),
            )
            self._connection.executemany("DELETE FROM rows WHERE part = ? AND name = ?", deleted)

    def damaged(self, reason: str) -> None:
        """What was loaded makes no sense: set the file aside and begin with an empty one."""
        self._start_anew(reason)

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._connection.close()

    def _open(self) -> None:
        if self._path.exists() and self._path.stat().st_size == 0:
            raise sqlite3.DatabaseError("the file is empty")
        self._connection = sqlite3.connect(
            self._path, check_same_thread=False, isolation_level=None
        )
        self._path.chmod(0o600)
        # A kill loses nothing that was committed; only a crash of the machine may.
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        (found,) = self._connection.execute("PRAGMA application_id").fetchone()
        if found not in (0, APPLICATION_ID):
            self._connection.close()
            raise StateError(f"{self._path} is a database of another program")
        self._connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS rows (part TEXT NOT NULL, name TEXT NOT NULL,"
            " value TEXT NOT NULL, PRIMARY KEY (part, name)) WITHOUT ROWID"
        )

    def _start_anew(self, reason: str) -> None:
        if hasattr(self, "_connection"):
            self._connection.close()
        set_aside(self._path, reason)
        self.began_anew = True
        self._open()

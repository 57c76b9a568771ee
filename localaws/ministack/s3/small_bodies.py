"""The bytes of small objects, rows of one database.

A new file takes longer than all else that is done for a small object; below some tens of KiB a
database is faster (https://sqlite.org/intern-v-extern-blob.html).
"""

import sqlite3
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path

from localaws.damage import set_aside
from localaws.state import StateError

MOST_BYTES = 32 * 1024


class SmallBodies:
    """Bodies by number; safe to use from any thread, and read while others are written.

    Raises
    ------
    StateError
        When the file cannot be opened. One that is damaged is set aside.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._read_lock = threading.Lock()
        try:
            self._open()
        except sqlite3.OperationalError as error:  # a full disk, say: the file is as it was
            raise StateError(f"{path} cannot be opened: {error}") from error
        except sqlite3.DatabaseError as error:
            set_aside(path, str(error))
            self._open()

    def read(self, number: int) -> bytes | None:
        """A body; None where it is gone."""
        with self._read_lock:
            found = self._reader.execute("SELECT body FROM bodies WHERE number = ?", (number,))
            row = found.fetchone()
        return None if row is None else bytes(row[0])

    def least(self) -> int:
        """The least of all numbers; 0 without bodies."""
        with self._read_lock:
            (least,) = self._reader.execute("SELECT min(number) FROM bodies").fetchone()
        return least or 0

    def sizes(self) -> dict[int, int]:
        """The lengths of all, by number."""
        with self._read_lock:
            return dict(self._reader.execute("SELECT number, length(body) FROM bodies"))

    def write(self, bodies: Mapping[int, bytes], deleted: Iterable[int] = ()) -> None:
        """Add and delete bodies, all or none. Raises ``sqlite3.Error`` when that fails."""
        with self._lock, self._writer:
            self._writer.execute("BEGIN")
            self._writer.executemany("INSERT OR REPLACE INTO bodies VALUES (?, ?)", bodies.items())
            self._writer.executemany(
                "DELETE FROM bodies WHERE number = ?", ((number,) for number in deleted)
            )

    def close(self) -> None:
        """Release the file."""
        with self._lock, self._read_lock:
            self._reader.close()
            self._writer.close()

    def _open(self) -> None:
        self._writer = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)
        self._path.chmod(0o600)
        # A kill loses nothing that was committed; only a crash of the machine may.
        self._writer.execute("PRAGMA journal_mode = WAL")
        self._writer.execute("PRAGMA synchronous = NORMAL")
        self._writer.execute(
            "CREATE TABLE IF NOT EXISTS bodies (number INTEGER PRIMARY KEY, body BLOB NOT NULL)"
        )
        self._reader = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)

"""Keeps resources over restarts, in one SQLite file."""

import json
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from localaws.backend import Scope
from localaws.damage import set_aside
from localaws.state import StateError

Resource = dict[str, Any]

# Written into the file's header, so that another program's database is told from ours.
APPLICATION_ID = 0x4C415753  # "LAWS"
SCHEMA_VERSION = 1
SCHEMA = f"""
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
CREATE TABLE resources (
    kind TEXT NOT NULL,
    account_id TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (kind, account_id, region, name)
) WITHOUT ROWID;
"""


class StoreError(StateError):
    """The file is not a store of ours; it is left as it is."""


class ResourceStore:
    """Resources by kind, scope and name; values are JSON objects.

    Thread-safe. What ``put``, ``add`` and ``delete`` were told is on disk when they return.

    Raises
    ------
    StoreError
        When the file is that of another program or version, or cannot be opened. One that is
        damaged is set aside.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size == 0:
            set_aside(path, "the file is empty")
        self._connection = _connected(path)
        try:
            self._open(path)
        except sqlite3.OperationalError as error:  # a full disk, say: the file is as it was
            self._connection.close()
            raise StoreError(f"{path} cannot be opened: {error}") from error
        except sqlite3.DatabaseError as error:
            self._connection.close()
            set_aside(path, str(error))
            self._connection = _connected(path)
            self._open(path)
        except StoreError:
            self._connection.close()
            raise

    def _open(self, path: Path) -> None:
        application_id = self._connection.execute("PRAGMA application_id").fetchone()[0]
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        tables = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if application_id == 0 and tables == 0:
            self._connection.executescript("BEGIN;" + SCHEMA + "COMMIT;")
        elif application_id != APPLICATION_ID:
            raise StoreError(f"{path} is a database of another program")
        elif version != SCHEMA_VERSION:
            raise StoreError(f"{path} has version {version}; this program reads {SCHEMA_VERSION}")
        problem = self._connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if problem != "ok":
            raise sqlite3.DatabaseError(problem)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")

    def put(self, kind: str, scope: Scope, name: str, value: Resource) -> None:
        """Add or replace one resource."""
        with self._lock:
            self._connection.execute(
                "INSERT OR REPLACE INTO resources VALUES (?, ?, ?, ?, ?)",
                (kind, scope.account_id, scope.region, name, json.dumps(value)),
            )

    def add(self, kind: str, scope: Scope, name: str, value: Resource) -> bool:
        """Add one resource; False, and nothing changed, when the name is taken."""
        with self._lock:
            added = self._connection.execute(
                "INSERT OR IGNORE INTO resources VALUES (?, ?, ?, ?, ?)",
                (kind, scope.account_id, scope.region, name, json.dumps(value)),
            )
            return added.rowcount == 1

    def get(self, kind: str, scope: Scope, name: str) -> Resource | None:
        """A copy of the resource, or None."""
        with self._lock:
            row = self._connection.execute(
                "SELECT value FROM resources "
                "WHERE kind = ? AND account_id = ? AND region = ? AND name = ?",
                (kind, scope.account_id, scope.region, name),
            ).fetchone()
        return None if row is None else json.loads(row[0])

    def delete(self, kind: str, scope: Scope, name: str) -> None:
        """Remove the resource, if it is there."""
        with self._lock:
            self._connection.execute(
                "DELETE FROM resources "
                "WHERE kind = ? AND account_id = ? AND region = ? AND name = ?",
                (kind, scope.account_id, scope.region, name),
            )

    def lower_names(self, kind: str) -> None:
        """Let the resources of a kind be found by names in lower case, those of before, too."""
        with self._lock:
            self._connection.execute(
                "UPDATE OR REPLACE resources SET name = lower(name)"
                " WHERE kind = ? AND name <> lower(name)",
                (kind,),
            )

    def scopes(self, kind: str) -> Sequence[Scope]:
        """The scopes that hold resources of a kind."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT DISTINCT account_id, region FROM resources WHERE kind = ?", (kind,)
            ).fetchall()
        return [Scope(*row) for row in rows]

    def members(self, kind: str, scope: Scope, names: Sequence[str]) -> list[Resource]:
        """Two or more members of all resources that ``list`` has; a fifth of its time.

        What a resource does not have is left out.
        """
        paths = ", ".join("?" for _ in names)
        with self._lock:
            rows = self._connection.execute(
                f"SELECT json_extract(value, {paths}) FROM resources "  # noqa: S608 -- only ?
                "WHERE kind = ? AND account_id = ? AND region = ? ORDER BY name",
                (*(f"$.{name}" for name in names), kind, scope.account_id, scope.region),
            ).fetchall()
        found = (zip(names, json.loads(row[0]), strict=True) for row in rows)
        return [{name: value for name, value in one if value is not None} for one in found]

    def list(self, kind: str, scope: Scope) -> list[Resource]:
        """All resources of a kind in a scope, by name."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT value FROM resources "
                "WHERE kind = ? AND account_id = ? AND region = ? ORDER BY name",
                (kind, scope.account_id, scope.region),
            ).fetchall()
        return [json.loads(row[0]) for row in rows]

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._connection.close()


def _connected(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, check_same_thread=False, isolation_level=None)

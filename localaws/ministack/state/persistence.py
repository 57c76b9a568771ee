"""Keeps MiniStack's state on disk, so that a kill loses at most the last second.

MiniStack writes its state at a clean exit only. Here what changed of each service is written a few
times a second to a file of its own (``snapshots.py`` tells what changed), so that the trouble of
one service is never that of another; ``backlog.py`` lets answers wait when that is too slow. The
bytes of S3 objects are written by S3 itself; the values of metrics and the events of logs have
stores of their own.
"""

import contextlib
import logging
import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from ministack.core import persistence

from localaws.ministack.cloudwatch.log_store import CloudWatchLogsState, CloudWatchState, LogStore
from localaws.ministack.cloudwatch.metric_store import MetricStore
from localaws.ministack.state.backlog import Backlog
from localaws.ministack.state.saved_services import Module, Sessions, Stateful
from localaws.ministack.state.snapshots import (
    EXISTS,
    entries,
    mark_of,
    row_name,
    state_of,
    to_text,
)
from localaws.ministack.state.table_items import Tables
from localaws.row_store import Key, RowStore
from localaws.state import StateError

logger = logging.getLogger(__name__)

SIGNING_NAMES = {
    "apigateway": "apigateway_v1",
    "cognito-idp": "cognito",
    "dynamodb": "dynamodb",
    "ecr": "ecr",
    "events": "eventbridge",
    "iam": "iam",
    "kms": "kms",
    "lambda": "lambda_svc",
    "logs": "cloudwatch_logs",
    "monitoring": "cloudwatch",
    "s3": "s3",
    "scheduler": "scheduler",
    "sns": "sns",
    "ssm": "ssm",
    "states": "stepfunctions",
    "sts": "sts-sessions",
}
"""The services whose requests change their own state only, with the names of their files."""
FORMAT: Key = ("format", "")
ATTEMPTS = 20
"""To read a state that others change at the same time."""
COMPLAIN_EVERY_SECONDS = 10.0


class Store(Protocol):
    """What knows itself what changed; ``save`` raises where the disk does not take it."""

    def save(self) -> None: ...

    def close(self) -> None: ...


class SavedService:
    """A service and its file: what is there is loaded, what changes is written."""

    def __init__(self, path: Path, service: Stateful) -> None:
        self._store = RowStore(path)
        self._service = service
        self._version = persistence._state_format_version(path.stem)
        self._written: dict[str, dict[Any, Any]] = {}
        """Of each part's entries what tells whether they changed."""
        self._load(path)

    def save(self) -> None:
        """Write what changed; raises ``RuntimeError`` while others change it all the time."""
        parts = self._parts()
        written: dict[str, dict[Any, Any]] = {}
        changed: dict[Key, str] = {}
        deleted: set[Key] = set()
        for label, held in parts.items():
            before = self._written.get(label, {})
            if label.partition(" ")[0] in self._service.replaced:
                written[label] = held
                new = {key: value for key, value in held.items() if before.get(key) is not value}
                texts = {key: to_text(value) for key, value in new.items()}
                if EXISTS not in before:
                    texts[EXISTS] = to_text(None)
            else:
                marks = written[label] = {key: mark_of(value) for key, value in held.items()}
                new = {key: held[key] for key, mark in marks.items() if before.get(key) != mark}
                texts = {key: to_text(value) for key, value in new.items()}
            changed |= {(label, row_name(key)): text for key, text in texts.items()}
        for label, before in self._written.items():
            gone = before.keys() - written.get(label, {}).keys()
            deleted |= {(label, row_name(key)) for key in gone}
        if changed or deleted:
            self._store.write({**changed, FORMAT: str(self._version)}, deleted)
        self._written = written

    def close(self) -> None:
        """Release the file."""
        self._store.close()

    def _parts(self) -> dict[str, dict[Any, Any]]:
        for _ in range(ATTEMPTS - 1):
            with contextlib.suppress(RuntimeError):  # "dictionary changed size during iteration"
                return entries(self._service.get_state())
        return entries(self._service.get_state())

    def _load(self, path: Path) -> None:
        rows = self._store.load()
        version = rows.pop(FORMAT, None)
        if version is None:
            return
        if int(version) > self._version:
            raise StateError(f"{path} was written by a newer MiniStack; it was left as it is")
        try:
            state = state_of(rows)
            # Before the service takes it, which may change it: it tells what is in the file.
            self._written = self._marks(state)
            self._service.load_persisted_state(state)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self._written = {}
            self._store.damaged(repr(error))

    def _marks(self, state: Mapping[str, Any]) -> dict[str, dict[Any, Any]]:
        return {
            label: held
            if label.partition(" ")[0] in self._service.replaced
            else {key: mark_of(value) for key, value in held.items()}
            for label, held in entries(state).items()
        }


class Persistence:
    """Loads services when they are added, then saves what changed; a file each."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._services: dict[str, SavedService] = {}
        self._backlog = Backlog()
        self._complained_at = 0.0
        self._stores: dict[str, Store] = {}

    @property
    def trouble(self) -> str:
        """Why the disk takes nothing at the moment; empty when it does."""
        return self._backlog.trouble

    def add_service(self, module: str) -> None:
        """Restore a service of MiniStack from its file and keep it saved from now on.

        A file that cannot be read is set aside. Raises ``StateError`` for one of a newer version.
        """
        self._add(module, Tables() if module == "dynamodb" else Module(module))

    def add_sessions(self) -> None:
        """The same for the sessions of STS."""
        self._add("sts-sessions", Sessions())

    def add_cloudwatch(self) -> None:
        """The same for CloudWatch and its logs, with their values and events."""
        self._add("cloudwatch", CloudWatchState())
        self._add("cloudwatch_logs", CloudWatchLogsState())
        self.add_store("metrics", MetricStore(self._directory / "cloudwatch_values.sqlite"))
        self.add_store("log events", LogStore(self._directory / "cloudwatch_events.sqlite"))

    def add_store(self, name: str, store: Store) -> None:
        """Keep what saves itself saved with all others."""
        self._stores[name] = store

    def hurry_with(self, hurry: Callable[[], None]) -> None:
        """Name what lets ``save_changes`` be called at once, for answers that wait for it."""
        self._backlog.hurry = hurry

    def touch(self, service: str | None = None) -> None:
        """The state of a service, by its signing name, may have changed; of any without a name."""
        name = SIGNING_NAMES.get(service or "")
        self._backlog.add([name] if name is not None else list(self._services))

    def touch_all_unseen(self) -> None:
        """Anything may have changed since the last saving began."""
        self._backlog.add_unseen(list(self._services))

    async def settle(self) -> None:
        """Wait until what changed is on disk, if saving is too slow to let it be lost."""
        await self._backlog.settle()

    def save_changes(self) -> None:
        """Save what was touched since the last time, on one thread other than the event loop's.

        What cannot be saved now is tried again the next time, each service by itself.
        """
        touched = self._backlog.begin()
        again: dict[str, float] = {}
        trouble = ""
        for name in sorted(touched, key=_stacks_last):
            service = self._services.get(name)
            error = self._failure(name, service.save) if service is not None else None
            if isinstance(error, RuntimeError):  # others change it all the time
                again[name] = touched[name]
            elif error is not None or service is None:  # its module may still be being loaded
                self._backlog.add([name])
            trouble = trouble or _trouble(name, error)
        for name, store in self._stores.items():
            error = self._failure(name, store.save)
            trouble = trouble or _trouble(name, error)
        self._backlog.end(again, trouble)

    def save(self) -> None:
        """Save everything, and end."""
        self.touch()
        self.save_changes()
        for file in (*self._services.values(), *self._stores.values()):
            file.close()

    def saved_at(self, module: str) -> float:
        """When a service was written last, in seconds since the epoch; 0 when it never was."""
        files = list(self._directory.glob(f"{module}.sqlite*"))
        return max((file.stat().st_mtime for file in files), default=0.0)

    def _failure(self, name: str, save: Callable[[], None]) -> Exception | None:
        """Save, and return what went wrong; it is said in the log, but not all the time."""
        try:
            save()
        except (RuntimeError, OSError, sqlite3.Error, TypeError, ValueError) as error:
            now = time.monotonic()
            if now - self._complained_at > COMPLAIN_EVERY_SECONDS:
                self._complained_at = now
                logger.error("%s could not be saved, and will be tried again: %r", name, error)
            return error
        return None

    def _add(self, name: str, service: Stateful) -> None:
        self._services[name] = SavedService(self._directory / f"{name}.sqlite", service)


def _trouble(name: str, error: Exception | None) -> str:
    """What to tell of an error that is the disk's; the others are no reason to stop."""
    return f"{name}: {error}" if isinstance(error, OSError | sqlite3.Error) else ""


def _stacks_last(name: str) -> tuple[bool, str]:
    """A stack that says it holds a resource is written after the resource, never before."""
    return name == "cloudformation", name

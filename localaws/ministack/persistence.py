"""Keeps MiniStack's state on disk, so that a kill loses at most the last second.

MiniStack writes its state at a clean exit only. Here every service whose state changed is written
once a second, each file replaced as a whole. The bytes of S3 objects it writes by itself; metric
values and log events, which only grow, are in a journal (``journal.py``).
"""

import hashlib
import importlib
import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from ministack.core import persistence
from ministack.services import sts

from localaws.files import write_atomically
from localaws.ministack.journal import CloudWatchLogsState, CloudWatchState, Journal
from localaws.state import StateError

logger = logging.getLogger(__name__)

FORMAT = "__ministack_format__"
SIGNING_NAMES = {
    "dynamodb": "dynamodb",
    "ecr": "ecr",
    "iam": "iam",
    "kms": "kms",
    "lambda": "lambda_svc",
    "logs": "cloudwatch_logs",
    "monitoring": "cloudwatch",
    "s3": "s3",
    "sns": "sns",
    "ssm": "ssm",
    "sts": "sts-sessions",
}
"""The services whose requests change their own state only, with the names of their files."""


class Stateful(Protocol):
    """A service as its module shows itself."""

    def get_state(self) -> Mapping[str, Any]: ...

    def load_persisted_state(self, state: Mapping[str, Any]) -> None: ...


class Sessions:
    """The sessions of STS, which MiniStack forgets; they outlive a restart as on AWS."""

    def get_state(self) -> Mapping[str, Any]:
        """All sessions."""
        return {"sessions": dict(sts._sessions)}

    def load_persisted_state(self, state: Mapping[str, Any]) -> None:
        """Add those of an earlier run."""
        sts._sessions.update(state["sessions"])


class Persistence:
    """Loads services when they are added, then saves what changed; a file each."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._services: dict[str, Stateful] = {}
        self._saved: dict[str, bytes] = {}
        self._touched: set[str] = set()
        self._journal = Journal(directory / "cloudwatch.journal")

    def add_service(self, module: str) -> None:
        """Restore a service of MiniStack from its file and keep it saved from now on.

        Raises ``StateError`` for a file that cannot be read; it is left as it is.
        """
        self._add(module, importlib.import_module(f"ministack.services.{module}"))

    def add_sessions(self) -> None:
        """The same for the sessions of STS."""
        self._add("sts-sessions", Sessions())

    def add_cloudwatch(self) -> None:
        """The same for CloudWatch and its logs, with their values and events."""
        self._add("cloudwatch", CloudWatchState())
        self._add("cloudwatch_logs", CloudWatchLogsState())
        self._journal.replay()

    def touch(self, service: str | None = None) -> None:
        """The state of a service, by its signing name, may have changed; of any without a name."""
        name = SIGNING_NAMES.get(service or "")
        self._touched |= {name} if name is not None else self._services.keys()

    def save_changes(self) -> None:
        """Save what was touched since the last time; safe to call from another thread."""
        touched, self._touched = self._touched, set()
        try:
            self._save(touched)
        except RuntimeError:
            # A request changed a dictionary while it was copied: the next turn copies it again.
            self._touched |= touched
        except OSError as error:
            logger.error("The state could not be saved: %s", error)
            self._touched |= touched

    def save(self) -> None:
        """Save everything."""
        self._save(set(self._services))

    def _save(self, names: set[str]) -> None:
        """Write the state of those services that changed since it was last written."""
        self._journal.save()
        for name in sorted(names):
            wrapped = {
                FORMAT: persistence._state_format_version(name),
                "payload": self._services[name].get_state(),
            }
            text = json.dumps(wrapped, default=persistence._json_default).encode()
            digest = hashlib.sha256(text).digest()
            if self._saved.get(name) != digest:
                write_atomically(self._directory / f"{name}.json", text, mode=0o600)
                self._saved[name] = digest

    def _add(self, name: str, service: Stateful) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        path = self._directory / f"{name}.json"
        if path.exists():
            with_damage_reported(path, service.load_persisted_state)
        self._services[name] = service


def with_damage_reported(path: Path, load: Callable[[Mapping[str, Any]], None]) -> None:
    """Give ``load`` what a state file holds. Raises ``StateError`` when it cannot be read."""
    try:
        content = json.loads(path.read_text(), object_hook=persistence._json_object_hook)
        version, state = content[FORMAT], content["payload"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StateError(f"{path} is damaged: {error}; it was left as it is") from error
    if version > persistence._state_format_version(path.stem):
        raise StateError(f"{path} was written by a newer MiniStack; it was left as it is")
    load(state)

"""Keeps MiniStack's state on disk, so that a kill loses at most the last second.

MiniStack writes its state at a clean exit only. Here every service whose state changed is written
once a second, each file replaced as a whole.
"""

import asyncio
import hashlib
import json
import logging
from collections.abc import Mapping
from typing import Any

from ministack import app
from ministack.core import persistence
from ministack.services import sts

from localaws.files import write_atomically
from localaws.state import State, StateError

logger = logging.getLogger(__name__)

INTERVAL = 1.0
"""Seconds between two saves."""


class Persistence:
    """Loads the state at the start, then saves what changed."""

    def __init__(self, state: State) -> None:
        self._directory = state.services_directory
        self._saved: dict[str, bytes] = {}
        self._touched = False

    def load(self) -> None:
        """Restore every service from its file.

        Raises ``StateError`` for a file that cannot be read; nothing is overwritten.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        for path in sorted(self._directory.glob("*.json")):
            _check_readable(path.stem, path.read_bytes())
        app._load_persisted_state()
        sessions = persistence.load_state("sts-sessions") or {}
        sts._sessions.update(sessions)

    def touch(self) -> None:
        """Some service's state may have changed: save at the next turn."""
        self._touched = True

    async def run(self) -> None:
        """Save once a second, for ever."""
        while True:
            await asyncio.sleep(INTERVAL)
            if self._touched:
                self._touched = False
                await asyncio.to_thread(self._save_again_on_conflict)

    def save(self) -> None:
        """Write the state of every service that changed since the last save."""
        for key, get_state in app._build_persistence_save_dict().items():
            content = get_state()
            if content is not None:
                self._write(key, content)
        self._write("sts-sessions", dict(sts._sessions))

    def _save_again_on_conflict(self) -> None:
        try:
            self.save()
        except RuntimeError:
            # A request changed a dictionary while it was copied: the next turn copies it again.
            self.touch()
        except OSError as error:
            logger.error("The state could not be saved: %s", error)
            self.touch()

    def _write(self, key: str, content: Mapping[str, Any]) -> None:
        wrapped = {
            "__ministack_format__": persistence._state_format_version(key),
            "payload": content,
        }
        text = json.dumps(wrapped, default=persistence._json_default).encode()
        digest = hashlib.sha256(text).digest()
        if self._saved.get(key) != digest:
            write_atomically(self._directory / f"{key}.json", text, mode=0o600)
            self._saved[key] = digest


def _check_readable(service: str, text: bytes) -> None:
    try:
        version = json.loads(text)["__ministack_format__"]
    except (ValueError, KeyError, TypeError) as error:
        raise StateError(f"the saved state of {service} is damaged: {error}") from error
    if version > persistence._state_format_version(service):
        raise StateError(f"the saved state of {service} was written by a newer MiniStack")

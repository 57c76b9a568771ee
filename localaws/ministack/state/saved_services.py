"""The services whose state is kept, as ``persistence.py`` asks for it and gives it back."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ministack.services import sts

from localaws.ministack.state.snapshots import without_copying

UNCOPIED = frozenset({"cloudformation", "dynamodb", "ecr", "iam", "s3", "sns", "ssm"})
"""Modules whose ``get_state`` copies all there is, and changes nothing of what it copied."""


class Stateful(Protocol):
    """A service as its module shows itself; ``replaced`` are parts whose entries never change."""

    replaced: frozenset[str]

    def get_state(self) -> Mapping[str, Any]: ...

    def load_persisted_state(self, state: Mapping[str, Any]) -> None: ...


class Sessions:
    """The sessions of STS, which MiniStack forgets; they outlive a restart as on AWS."""

    replaced = frozenset({"sessions"})

    def get_state(self) -> Mapping[str, Any]:
        """All sessions."""
        return {"sessions": sts._sessions}

    def load_persisted_state(self, state: Mapping[str, Any]) -> None:
        """Add those of an earlier run."""
        sts._sessions.update(state["sessions"])


class Module:
    """A module of MiniStack."""

    replaced: frozenset[str] = frozenset()

    def __init__(self, name: str) -> None:
        module = importlib.import_module(f"ministack.services.{name}")
        self.get_state = without_copying(module) if name in UNCOPIED else module.get_state
        self.load_persisted_state: Callable[[Mapping[str, Any]], None] = module.load_persisted_state

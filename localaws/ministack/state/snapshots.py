"""The state of MiniStack's services as rows of text, and back.

A service's state is a mapping of parts, most of them dictionaries by account and region. Each of
their entries becomes a row, so that what changed is told from what did not.
"""

import ast
import copy
import json
import marshal
import threading
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from ministack.core import persistence
from ministack.core.responses import AccountRegionScopedDict, AccountScopedDict

from localaws.ministack import patches
from localaws.row_store import Key

State = Mapping[str, Any]
KINDS: Mapping[str, type[Any]] = {
    "region": AccountRegionScopedDict,
    "account": AccountScopedDict,
    "names": dict,
}
"""Dictionaries whose entries are rows; any other value is one row."""
WHOLE = "whole"
EXISTS = ""
"""The key of the entry that says that a dictionary is there, however empty."""


def entries(state: State) -> dict[str, dict[Any, Any]]:
    """The entries of each part by its label, with their values as they are in memory."""
    return dict(_part(part, value) for part, value in list(state.items()))


def _part(part: str, value: Any) -> tuple[str, dict[Any, Any]]:
    kind = _kind(value)
    if kind == WHOLE:
        return f"{part} {WHOLE}", {EXISTS: value}
    # A dictionary is copied in one step, whatever other threads do to it meanwhile.
    return f"{part} {kind}", {EXISTS: None, **(value if kind == "names" else value._data)}


def row_name(key: Any) -> str:
    """The name of an entry's row."""
    return "" if key == EXISTS else repr(key)


def to_text(value: Any) -> str:
    """A value as JSON.

    The encoder takes each dictionary in one step, whatever other threads do to it meanwhile.
    """
    return json.dumps(value, default=_plain)


def mark_of(value: Any) -> int:
    """What tells whether a value changed, for a tenth of what its text costs.

    Format 2 writes equal values alike, whoever else refers to their parts.
    """
    try:
        return hash(marshal.dumps(value, 2))
    except ValueError:  # it holds more than JSON does
        return hash(to_text(value))


def state_of(rows: Mapping[Key, str]) -> dict[str, Any]:
    """The state that rows hold.

    Raises
    ------
    ValueError
        For rows that make none.
    """
    state: dict[str, Any] = {}
    for (label, name), text in rows.items():
        part, _, kind = label.rpartition(" ")
        value = json.loads(text, object_hook=persistence._json_object_hook)
        if kind == WHOLE:
            state[part] = value
            continue
        if part not in state:
            state[part] = KINDS[kind]()
        if name:
            held = state[part] if kind == "names" else state[part]._data
            held[_literal(name)] = value
    return state


def without_copying(module: ModuleType) -> Callable[[], State]:
    """The module's ``get_state`` without its deep copies, which fail while others write."""
    patches.replace(module, "copy", lambda _: _COPYING)

    def get_state() -> State:
        _COPYING.shared.off = True
        try:
            state: State = module.get_state()
        finally:
            _COPYING.shared.off = False
        return state

    return get_state


def _copied(value: Any, *rest: Any) -> Any:
    """A deep copy; of JSON, which most of the state is, five times as fast as ``copy`` makes it."""
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:
        return value
    if kind is dict:
        return {key: _copied(member) for key, member in value.items()}
    if kind is list:
        return [_copied(member) for member in value]
    return copy.deepcopy(value, *rest)


class _Copying:
    """The module ``copy``, whose deep copies can be switched off for a thread."""

    def __init__(self) -> None:
        self.shared = threading.local()
        self.copy = copy.copy

    def deepcopy(self, value: Any, *rest: Any) -> Any:
        if getattr(self.shared, "off", False):
            return value
        return _copied(value, *rest)


_COPYING = _Copying()


def _kind(value: Any) -> str:
    if isinstance(value, dict) and not all(isinstance(key, str) for key in list(value)):
        return WHOLE
    return next((kind for kind, of in KINDS.items() if isinstance(value, of)), WHOLE)


def _plain(value: Any) -> Any:
    if isinstance(value, AccountRegionScopedDict | AccountScopedDict):
        still = type(value)()
        still._data = dict(value._data)
        value = still
    return persistence._json_default(value)


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except SyntaxError as error:
        raise ValueError(f"{text!r} is no key") from error

"""Replaces names of MiniStack, those alone that ``patches.csv`` lists: what, why, and until when.

MiniStack is pinned, and many of these names are its own affair. A name that is gone, or that takes
other parameters than in the version that this was written for, stops localaws with a sentence, for
a replacement that fits no longer would answer wrongly. No other module sets a name of MiniStack.
"""

import csv
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from types import ModuleType
from typing import Any

VERSION = "1.5.33"
"""The version whose parameters the table holds."""


class MiniStackChangedError(RuntimeError):
    """MiniStack is not as this package expects it; the text says where."""


@dataclass(frozen=True)
class Patch:
    """One name of MiniStack that is replaced, or a table of it that is changed.

    Parameters
    ----------
    name
        The dotted name within ``ministack``.
    shape
        The names of a function's parameters, or the type of anything else.
    why
        What is wrong or missing without the patch.
    upstream
        What MiniStack would have to do so that the patch can go.
    """

    name: str
    shape: str
    why: str
    upstream: str

    def differs(self, value: Any) -> bool:
        """Whether a value of MiniStack has another shape than when this was written."""
        return shape_of(value) != self.shape


def _read_table() -> tuple[Patch, ...]:
    text = files("localaws.ministack").joinpath("patches.csv").read_text(encoding="utf-8")
    return tuple(Patch(**row) for row in csv.DictReader(text.splitlines()))


PATCHES = _read_table()
_BY_NAME = {patch.name: patch for patch in PATCHES}
_originals: dict[str, Any] = {}
"""What MiniStack had in the place of each replacement; a process has one MiniStack."""


def replace(owner: ModuleType | type, attribute: str, make: Callable[[Any], Any]) -> None:
    """Put ``make(what is there)`` in the place of a name of MiniStack.

    Raises
    ------
    MiniStackChangedError
        When the table does not list the name, or MiniStack has it no longer, or otherwise.
    """
    setattr(owner, attribute, make(_checked(owner, attribute)))


def table(owner: ModuleType, attribute: str) -> dict[str, Any]:
    """A table of MiniStack that the caller changes.

    Raises
    ------
    MiniStackChangedError
        As ``replace``.
    """
    found: dict[str, Any] = _checked(owner, attribute)
    return found


def shape_of(value: Any) -> str:
    """The names of a function's parameters, or the type of anything else."""
    return (
        ", ".join(inspect.signature(value).parameters) if callable(value) else type(value).__name__
    )


def _checked(owner: ModuleType | type, attribute: str) -> Any:
    full = f"{_name(owner)}.{attribute}"
    patch = _BY_NAME.get(full.removeprefix("ministack."))
    if patch is None:
        raise MiniStackChangedError(f"{full} is not in the table of patches")
    if not hasattr(owner, attribute):
        raise MiniStackChangedError(f"MiniStack has no {full}; localaws needs version {VERSION}")
    current = getattr(owner, attribute)
    original = _originals.setdefault(full, current)
    if patch.differs(original):
        raise MiniStackChangedError(
            f"{full} is ({shape_of(original)}) and not ({patch.shape});"
            f" localaws needs MiniStack {VERSION}"
        )
    return current


def _name(owner: ModuleType | type) -> str:
    if isinstance(owner, ModuleType):
        return owner.__name__
    return f"{owner.__module__}.{owner.__qualname__}"

"""The JSONPath expressions of batch transform's filters.

https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html lists the
operators: ``$``, ``.name``, ``*``, ``['name','name']``, ``[0,-1]`` and ``[start:end]``.
"""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

Step = Callable[[Any], Any]

_STEP = re.compile(
    r"""
    \.?(?:
        (?P<wildcard>\*|\[\s*\*\s*\])
      | \[\s*(?P<names>'[^']*'(?:\s*,\s*'[^']*')*|"[^"]*"(?:\s*,\s*"[^"]*")*)\s*\]
      | \[\s*(?P<start>-?\d+)?\s*:\s*(?P<end>-?\d+)?\s*\]
      | \[\s*(?P<indexes>-?\d+(?:\s*,\s*-?\d+)*)\s*\]
    )
    | \.(?P<name>[^.\[\]*'"\s]+)
    """,
    re.VERBOSE,
)
_NAME = re.compile(r"""'([^']*)'|"([^"]*)\"""")


class JsonPathError(ValueError):
    """An expression that is none, or one that does not fit the data."""


@dataclass(frozen=True)
class JsonPath:
    """A parsed expression."""

    text: str
    steps: tuple[Step, ...]

    @classmethod
    def parse(cls, text: str) -> "JsonPath":
        """Raises ``JsonPathError`` naming the part that is not understood."""
        if not text.startswith("$"):
            raise JsonPathError(f"JSONPath '{text}' does not start with $")
        steps: list[Step] = []
        position = 1
        while position < len(text):
            match = _STEP.match(text, position)
            if match is None:
                raise JsonPathError(f"JSONPath '{text}' is not understood from '{text[position:]}'")
            steps.append(_step(match))
            position = match.end()
        return cls(text, tuple(steps))

    @property
    def selects_everything(self) -> bool:
        return not self.steps

    def select(self, value: Any) -> Any:
        """The part of a value that the expression names.

        Raises ``JsonPathError`` when the value has no such part.
        """
        try:
            for step in self.steps:
                value = step(value)
        except (LookupError, TypeError) as error:
            shown = json.dumps(value)[:100]
            raise JsonPathError(f"JSONPath '{self.text}' selects nothing of {shown}") from error
        return value


def _step(match: re.Match[str]) -> Step:
    if (name := match["name"]) is not None:
        return lambda value: _member(value, name)
    if (names := match["names"]) is not None:
        return _members([single or double for single, double in _NAME.findall(names)])
    if (indexes := match["indexes"]) is not None:
        return _elements([int(index) for index in indexes.split(",")])
    if match["wildcard"] is not None:
        return _children
    start = int(match["start"]) if match["start"] else None
    end = int(match["end"]) if match["end"] else None
    return lambda value: _list(value)[start:end]


def _members(names: list[str]) -> Step:
    if len(names) == 1:
        return lambda value: _member(value, names[0])
    return lambda value: {name: _member(value, name) for name in names}


def _elements(indexes: list[int]) -> Step:
    if len(indexes) == 1:
        return lambda value: _list(value)[indexes[0]]
    return lambda value: [_list(value)[index] for index in indexes]


def _member(value: Any, name: str) -> Any:
    if not isinstance(value, dict):
        raise TypeError(name)
    return value[name]


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("no list")
    return value


def _children(value: Any) -> Iterable[Any]:
    return list(value.values()) if isinstance(value, dict) else _list(value)

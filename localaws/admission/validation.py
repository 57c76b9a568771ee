"""Checks requests against botocore's service model, in the words of AWS's own checks."""

from collections.abc import Callable, Sized
from functools import cache
from typing import Any

import regex
from botocore.model import ListShape, MapShape, Shape, StructureShape

from localaws.errors import AwsError

# A pair of UTF-16 surrogates stands in Java patterns for what is one character here.
JAVA_SURROGATES = r"\uD800\uDC00-\uDBFF\uDFFF"
PYTHON_SURROGATES = r"\U00010000-\U0010FFFF"
PATTERN_SECONDS = 0.25
"""How long a value is held against AWS's pattern: some of them backtrack."""
MOST_SHOWN = 50
MOST_SHOWN_CHARACTERS = 2000
Path = tuple[str | int, ...]

NUMBERS: dict[str, tuple[type, ...]] = {
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
}


def validate(
    shape: StructureShape | None, request: dict[str, Any], *, open_ended: bool = False
) -> None:
    """Raise ``ValidationException`` when the request breaks a rule of its operation's input.

    Members that the model does not know are refused: silently dropped, they would look supported.
    ``open_ended`` lets them pass, for the services that read past them.

    Raises
    ------
    AwsError
    """
    if shape is None:
        return
    problems = _Problems(open_ended)
    problems.of_structure(shape, request, ())
    if problems.found:
        count = len(problems.found)
        shown = "; ".join(problems.found[:MOST_SHOWN])
        text = f"{count} validation error{'s' if count > 1 else ''} detected: {shown}"
        raise AwsError("ValidationException", text)


class _Problems:
    """What is wrong with a request; a path is put into words only where something is."""

    def __init__(self, open_ended: bool) -> None:
        self.found: list[str] = []
        self._open_ended = open_ended
        self._checks: dict[str, Callable[[Any, Any, Path], None]] = {
            "structure": self.of_structure,
            "list": self._of_list,
            "map": self._of_map,
            "string": self._of_string,
            "blob": self._of_blob,
            "boolean": self._of_boolean,
            "timestamp": self._of_timestamp,
            **dict.fromkeys(NUMBERS, self._of_number),
        }

    def of_structure(self, shape: StructureShape, value: Any, path: Path) -> None:
        """Note what is wrong with a structure and its members."""
        if not isinstance(value, dict):
            self._note(value, path, "be a structure")
            return
        for name in shape.required_members:
            if value.get(name) is None:
                self._note(None, (*path, _member(name)), "not be null")
        members = shape.members
        for name, member in value.items():
            if name in members:
                if member is not None:
                    self._check(members[name], member, (*path, _member(name)))
            elif not self._open_ended:
                self._note(member, (*path, _member(name)), "be a member that the service knows")

    def _check(self, shape: Shape, value: Any, path: Path) -> None:
        check = self._checks.get(shape.type_name)
        if check is not None:
            check(shape, value, path)

    def _of_list(self, shape: ListShape, value: Any, path: Path) -> None:
        if not isinstance(value, list):
            self._note(value, path, "be a list")
            return
        self._of_length(shape, value, path)
        for number, member in enumerate(value, start=1):
            self._check(shape.member, member, (*path, number, "member"))

    def _of_map(self, shape: MapShape, value: Any, path: Path) -> None:
        if not isinstance(value, dict):
            self._note(value, path, "be a map")
            return
        self._of_length(shape, value, path)
        for key, member in value.items():
            self._check(shape.key, key, (*path, "key"))
            self._check(shape.value, member, (*path, key, "member"))

    def _of_string(self, shape: Shape, value: Any, path: Path) -> None:
        if not isinstance(value, str):
            self._note(value, path, "be a string")
            return
        rules = shape.metadata
        if not rules:
            return
        self._of_length(shape, value, path)
        allowed = rules.get("enum")
        if allowed and value not in allowed:
            self._note(value, path, f"satisfy enum value set: [{', '.join(allowed)}]")
        pattern = rules.get("pattern")
        if pattern and not matches(pattern, value):
            self._note(value, path, f"satisfy regular expression pattern: {pattern}")

    def _of_blob(self, shape: Shape, value: Any, path: Path) -> None:
        """Bytes of a body, or their text in base 64 within JSON; of a size alone."""
        if isinstance(value, str):
            value = b" " * (len(value.rstrip("=")) * 3 // 4)
        if isinstance(value, bytes):
            self._of_length(shape, value, path)

    def _of_boolean(self, shape: Shape, value: Any, path: Path) -> None:
        if not isinstance(value, bool):
            self._note(value, path, "be a boolean")

    def _of_timestamp(self, shape: Shape, value: Any, path: Path) -> None:
        if not isinstance(value, int | float) or isinstance(value, bool):
            self._note(value, path, "be a number of seconds since the epoch")

    def _of_number(self, shape: Shape, value: Any, path: Path) -> None:
        if not isinstance(value, NUMBERS[shape.type_name]) or isinstance(value, bool):
            self._note(value, path, f"be of type {shape.type_name}")
            return
        if (minimum := shape.metadata.get("min")) is not None and value < minimum:
            self._note(value, path, f"have value greater than or equal to {minimum}")
        if (maximum := shape.metadata.get("max")) is not None and value > maximum:
            self._note(value, path, f"have value less than or equal to {maximum}")

    def _of_length(self, shape: Shape, value: Sized, path: Path) -> None:
        if (minimum := shape.metadata.get("min")) is not None and len(value) < minimum:
            self._note(value, path, f"have length greater than or equal to {minimum}")
        if (maximum := shape.metadata.get("max")) is not None and len(value) > maximum:
            self._note(value, path, f"have length less than or equal to {maximum}")

    def _note(self, value: Any, path: Path, rule: str) -> None:
        shown = "null" if value is None else f"'{value}'"
        if len(shown) > MOST_SHOWN_CHARACTERS:
            shown = f"{shown[:MOST_SHOWN_CHARACTERS]}...'"
        place = ".".join(map(str, path))
        self.found.append(
            f"Value {shown} at '{place}' failed to satisfy constraint: Member must {rule}"
        )


def _member(name: str) -> str:
    """The members' paths in AWS's messages start in lower case."""
    return name[:1].lower() + name[1:]


def matches(pattern: str, value: str) -> bool:
    """Whether a value has the form; one that takes too long to tell has not."""
    try:
        return _compiled(pattern).fullmatch(value, timeout=PATTERN_SECONDS) is not None
    except TimeoutError:
        return False


@cache
def _compiled(pattern: str) -> "regex.Pattern[str]":
    return regex.compile(pattern.replace(JAVA_SURROGATES, PYTHON_SURROGATES))

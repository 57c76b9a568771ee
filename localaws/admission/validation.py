"""Checks requests against botocore's service model, in the words of AWS's own checks."""

from collections.abc import Iterator
from functools import cache
from typing import Any, cast

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
    problems = list(_structure(shape, request, "", open_ended=open_ended))
    if problems:
        count = f"{len(problems)} validation error{'s' if len(problems) > 1 else ''} detected: "
        shown = problems[:MOST_SHOWN]
        raise AwsError("ValidationException", count + "; ".join(shown))


def _check(shape: Shape, value: Any, path: str, *, open_ended: bool = False) -> Iterator[str]:
    match shape.type_name:
        case "structure":
            yield from _structure(cast(StructureShape, shape), value, path, open_ended=open_ended)
        case "list":
            yield from _list(cast(ListShape, shape), value, path, open_ended=open_ended)
        case "map":
            yield from _map(cast(MapShape, shape), value, path, open_ended=open_ended)
        case "string":
            yield from _string(shape, value, path)
        case "boolean":
            if not isinstance(value, bool):
                yield _problem(value, path, "be a boolean")
        case "timestamp":
            if not isinstance(value, int | float) or isinstance(value, bool):
                yield _problem(value, path, "be a number of seconds since the epoch")
        case "integer" | "long" | "float" | "double":
            yield from _number(shape, value, path)


def _structure(shape: StructureShape, value: Any, path: str, *, open_ended: bool) -> Iterator[str]:
    if not isinstance(value, dict):
        yield _problem(value, path, "be a structure")
        return
    for name in shape.required_members:
        if value.get(name) is None:
            yield _problem(None, _join(path, name), "not be null")
    for name, member in value.items():
        if name not in shape.members:
            if open_ended:
                continue
            yield _problem(member, _join(path, name), "be a member that the service knows")
        elif member is not None:
            yield from _check(shape.members[name], member, _join(path, name), open_ended=open_ended)


def _list(shape: ListShape, value: Any, path: str, *, open_ended: bool) -> Iterator[str]:
    if not isinstance(value, list):
        yield _problem(value, path, "be a list")
        return
    yield from _length(shape, value, path)
    for number, member in enumerate(value, start=1):
        yield from _check(shape.member, member, f"{path}.{number}.member", open_ended=open_ended)


def _map(shape: MapShape, value: Any, path: str, *, open_ended: bool) -> Iterator[str]:
    if not isinstance(value, dict):
        yield _problem(value, path, "be a map")
        return
    yield from _length(shape, value, path)
    for key, member in value.items():
        yield from _check(shape.key, key, f"{path}.key")
        yield from _check(shape.value, member, f"{path}.{key}.member", open_ended=open_ended)


def _string(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield _problem(value, path, "be a string")
        return
    yield from _length(shape, value, path)
    allowed = shape.metadata.get("enum")
    if allowed and value not in allowed:
        yield _problem(value, path, f"satisfy enum value set: [{', '.join(allowed)}]")
    pattern = shape.metadata.get("pattern")
    if pattern and not _matches(pattern, value):
        yield _problem(value, path, f"satisfy regular expression pattern: {pattern}")


def _number(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, NUMBERS[shape.type_name]) or isinstance(value, bool):
        yield _problem(value, path, f"be of type {shape.type_name}")
        return
    if (minimum := shape.metadata.get("min")) is not None and value < minimum:
        yield _problem(value, path, f"have value greater than or equal to {minimum}")
    if (maximum := shape.metadata.get("max")) is not None and value > maximum:
        yield _problem(value, path, f"have value less than or equal to {maximum}")


def _length(shape: Shape, value: str | list[Any] | dict[str, Any], path: str) -> Iterator[str]:
    if (minimum := shape.metadata.get("min")) is not None and len(value) < minimum:
        yield _problem(value, path, f"have length greater than or equal to {minimum}")
    if (maximum := shape.metadata.get("max")) is not None and len(value) > maximum:
        yield _problem(value, path, f"have length less than or equal to {maximum}")


def _problem(value: Any, path: str, rule: str) -> str:
    shown = "null" if value is None else f"'{value}'"
    if len(shown) > MOST_SHOWN_CHARACTERS:
        shown = f"{shown[:MOST_SHOWN_CHARACTERS]}...'"
    return f"Value {shown} at '{path}' failed to satisfy constraint: Member must {rule}"


def _join(path: str, name: str) -> str:
    """The members' paths in AWS's messages start in lower case."""
    member = name[:1].lower() + name[1:]
    return f"{path}.{member}" if path else member


def _matches(pattern: str, value: str) -> bool:
    """Whether a value has the form; one that takes too long to tell has not."""
    try:
        return _compiled(pattern).fullmatch(value, timeout=PATTERN_SECONDS) is not None
    except TimeoutError:
        return False


@cache
def _compiled(pattern: str) -> "regex.Pattern[str]":
    return regex.compile(pattern.replace(JAVA_SURROGATES, PYTHON_SURROGATES))

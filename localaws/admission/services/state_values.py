"""Values in definitions of state machines: paths, templates, expressions, names, numbers.

https://states-language.net/spec.html
"""

import re
from collections.abc import Iterator
from typing import Any

MOST_SECONDS = 99_999_999
MOST_NAME = 80
_CALL = re.compile(r"States\.(\w+)\s*\(", re.ASCII)
_INTRINSICS = frozenset(
    {"Array", "ArrayContains", "ArrayGetItem", "ArrayLength", "ArrayPartition", "ArrayRange",
     "ArrayUnique", "Base64Decode", "Base64Encode", "Format", "Hash", "JsonMerge", "JsonToString",
     "MathAdd", "MathRandom", "StringSplit", "StringToJson", "UUID"}
)  # fmt: skip
_CLOSING = {"[": "]", "(": ")"}


def schema(path: str, text: str) -> str:
    """A problem as AWS writes it."""
    return f"SCHEMA_VALIDATION_FAILED: {text} at {path or '/'}"


def is_expression(value: Any) -> bool:
    """Whether a value is JSONata."""
    return isinstance(value, str) and value.startswith("{%") and value.endswith("%}")


def is_count(value: Any, least: int) -> bool:
    """Whether a value is an integer that Step Functions takes."""
    return type(value) is int and least <= value <= MOST_SECONDS


def is_path(value: Any) -> bool:
    """Whether a text can be a JSONPath: its brackets and quotation marks are closed."""
    if not isinstance(value, str) or not value.startswith("$") or value.endswith("."):
        return False
    open_brackets: list[str] = []
    quoted = ""
    for character in value:
        if quoted:
            quoted = "" if character == quoted else quoted
        elif character in "'\"" and open_brackets:
            quoted = character
        elif character in _CLOSING:
            open_brackets.append(_CLOSING[character])
        elif character in "])" and (not open_brackets or open_brackets.pop() != character):
            return False
    return not open_brackets and not quoted


def template_problems(value: Any, path: str) -> Iterator[str]:
    """Members of a payload template that end with ``.$`` are paths or intrinsic functions."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from template_problems(item, f"{path}[{number}]")
    if not isinstance(value, dict):
        return
    for name, member in value.items():
        if not name.endswith(".$"):
            yield from template_problems(member, f"{path}/{name}")
        elif not isinstance(member, str) or not _is_path_or_function(member):
            text = "The value for the field must be a valid JSONPath or a valid intrinsic function"
            yield schema(f"{path}/{name}", f"{text} call")


def variable_problems(assigned: Any, path: str) -> Iterator[str]:
    """How variables are named.

    https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html
    """
    if not isinstance(assigned, dict):
        if assigned is not None and not is_expression(assigned):
            yield schema(path, "The value is not a JSON object")
        return
    for key in assigned:
        name = key.removesuffix(".$")
        if not name.isidentifier() or len(name) > MOST_NAME or name == "states":
            yield schema(f"{path}/{key}", f"'{name}' is not a valid variable name")


def _is_path_or_function(text: str) -> bool:
    if text.startswith("$"):
        return is_path(text)
    called = _CALL.match(text)
    return called is not None and called[1] in _INTRINSICS and _is_closed(text)


def _is_closed(text: str) -> bool:
    """Whether brackets and quotation marks of a function call are closed, and end with it."""
    depth, quoted, escaped = 0, False, False
    for number, character in enumerate(text):
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == "'":
            quoted = not quoted
        elif not quoted and character in "()":
            depth += 1 if character == "(" else -1
            if depth == 0:
                return number == len(text.rstrip()) - 1
    return False

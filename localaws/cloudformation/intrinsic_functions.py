"""Calls of intrinsic functions that CloudFormation refuses.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
"""

import re
from collections.abc import Mapping
from typing import Any

from localaws.cloudformation.template_error import TemplateError

FUNCTIONS: Mapping[str, tuple[int, int] | None] = {
    "Fn::And": (2, 10),
    "Fn::Base64": None,
    "Fn::Cidr": (2, 3),
    "Fn::Contains": (2, 2),
    "Fn::EachMemberEquals": (2, 2),
    "Fn::EachMemberIn": (2, 2),
    "Fn::Equals": (2, 2),
    "Fn::FindInMap": (3, 4),
    "Fn::GetAZs": None,
    "Fn::GetAtt": (2, 2),
    "Fn::GetStackOutput": None,
    "Fn::If": (3, 3),
    "Fn::ImportValue": None,
    "Fn::Join": (2, 2),
    "Fn::Length": None,
    "Fn::Not": (1, 1),
    "Fn::Or": (2, 10),
    "Fn::RefAll": None,
    "Fn::Select": (2, 2),
    "Fn::Split": (2, 2),
    "Fn::Sub": None,
    "Fn::ToJsonString": None,
    "Fn::Transform": None,
    "Fn::ValueOf": (2, 2),
    "Fn::ValueOfAll": (2, 2),
}
"""The functions, with how many arguments those have that take a list."""
_OF_CONDITIONS = ("Fn::And", "Fn::Equals", "Fn::Not", "Fn::Or")
_INDEX = re.compile(r"\s*[0-9]{1,9}\s*", re.ASCII)
VARIABLE = re.compile(r"\$\{([^}]*)\}")


def is_function(value: Any) -> bool:
    """Whether a value is a call of an intrinsic function."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return False
    name = next(iter(value))
    return name in ("Ref", "Condition") or (isinstance(name, str) and name.startswith("Fn::"))


def check_functions(value: Any, path: str) -> None:
    """Refuse calls of unknown functions, and of known ones with arguments they do not take.

    Raises
    ------
    TemplateError
    """
    if isinstance(value, list):
        for number, item in enumerate(value):
            check_functions(item, f"{path}/{number}")
    if not isinstance(value, Mapping):
        return
    for key, argument in value.items():
        if isinstance(key, str) and key.startswith("Fn::"):
            if key in _OF_CONDITIONS and path.startswith("/Resources/"):
                text = f"[{path}] {key} can be used in Conditions and Rules alone."
                raise TemplateError(f"Template error: {text}")
            _check_function(key, argument, path)
        if key == "Ref" and len(value) == 1 and not isinstance(argument, str):
            raise TemplateError(f"Template format error: [{path}] Every Ref must be a string.")
        check_functions(argument, f"{path}/{key}")


def _check_function(name: str, argument: Any, path: str) -> None:
    if name.startswith("Fn::ForEach::"):
        return
    if name not in FUNCTIONS:
        supported = ", ".join(sorted(FUNCTIONS))
        raise TemplateError(
            f"Template error: Encountered unsupported function: {name} Supported functions are:"
            f" [{supported}]"
        )
    if name == "Fn::GetAtt" and isinstance(argument, str) and "." in argument:
        return
    if name == "Fn::Transform":
        _check_transform(argument)
    if name == "Fn::Sub":
        _check_sub(argument, path)
    if name == "Fn::Base64" and not isinstance(argument, str | Mapping):
        raise TemplateError(
            "Template error: every Fn::Base64 object must have a String-typed value."
        )
    counts = FUNCTIONS[name]
    if counts is None:
        return
    if not isinstance(argument, list) or not counts[0] <= len(argument) <= counts[1]:
        least, most = counts
        wanted = str(least) if least == most else f"{least} to {most}"
        raise TemplateError(
            f"Template error: [{path}] every {name} object requires {wanted} arguments in a list."
        )
    _check_arguments(name, argument, path)


def _check_arguments(name: str, arguments: list[Any], path: str) -> None:
    """The types of arguments that no function call may stand for."""
    match name:
        case "Fn::GetAtt":
            right = isinstance(arguments[0], str) and isinstance(arguments[1], str | Mapping)
        case "Fn::If":
            right = isinstance(arguments[0], str)
        case "Fn::Join":
            listed = arguments[1]
            right = isinstance(arguments[0], str) and isinstance(listed, list | Mapping)
            if isinstance(listed, list):
                right = right and all(_is_text(item) for item in listed)
        case "Fn::Select":
            index = arguments[0]
            _check_index(index, arguments[1])
            right = isinstance(arguments[1], list | Mapping) and (
                isinstance(index, int | Mapping)
                or (isinstance(index, str) and _INDEX.fullmatch(index) is not None)
            )
        case "Fn::Split":
            right = isinstance(arguments[0], str) and isinstance(arguments[1], str | Mapping)
        case "Fn::FindInMap":
            right = all(isinstance(argument, str | int | Mapping) for argument in arguments[:3])
        case _:
            right = True
    if not right:
        raise TemplateError(f"Template error: [{path}] {name} has arguments of the wrong types.")


def _check_index(index: Any, values: Any) -> None:
    if isinstance(index, str) and _INDEX.fullmatch(index):
        index = int(index)
    if isinstance(index, int) and isinstance(values, list) and not 0 <= index < len(values):
        text = f"Fn::Select cannot select nonexistent value at index {index}"
        raise TemplateError(f"Template error: {text}")


def _is_text(value: Any) -> bool:
    """Whether a value is a text, what counts as one, or the call of a function that may make it."""
    return isinstance(value, str | int | float) or is_function(value)


def _check_transform(argument: Any) -> None:
    """No account here has macros of its own."""
    for call in argument if isinstance(argument, list) else [argument]:
        name = call.get("Name") if isinstance(call, Mapping) else call
        if not str(name).startswith("AWS::"):
            raise TemplateError(f"No transform named {name} found.")


def _check_sub(argument: Any, path: str) -> None:
    text: Any = argument
    bindings: Any = {}
    if isinstance(argument, list) and len(argument) == 2:
        text, bindings = argument
    if not isinstance(text, str) or not isinstance(bindings, Mapping):
        raise TemplateError(
            f"Template error: [{path}] One or more Fn::Sub intrinsic functions don't specify"
            " expected arguments. Specify a string as first argument, and an optional second"
            " argument to specify a mapping of values to replace in the string"
        )
    for name in VARIABLE.findall(text):
        if not name.startswith("!") and not re.fullmatch(r"\s*[A-Za-z0-9_.:]+\s*", name):
            raise TemplateError(
                "Template error: variable names in Fn::Sub syntax must contain only alphanumeric"
                " characters, underscores, periods, and colons"
            )

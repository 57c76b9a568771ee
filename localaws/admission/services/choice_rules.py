"""Rules of Choice states.

https://states-language.net/spec.html#choice-state
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from localaws.admission.services.state_values import is_expression, is_path

_ORDER = ("Equals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
_TESTS = frozenset(
    f"Is{kind}" for kind in ("Boolean", "Null", "Numeric", "Present", "String", "Timestamp")
)
_COMPARISONS: Mapping[str, str] = {
    "BooleanEquals": "Boolean",
    "StringMatches": "String",
    **{f"{kind}{by}": kind for kind in ("String", "Numeric", "Timestamp") for by in _ORDER},
}
"""The type that each compares."""
_PATHS = frozenset(f"{name}Path" for name in _COMPARISONS if name != "StringMatches")
_OPERATORS = _TESTS | _COMPARISONS.keys() | _PATHS | {"And", "Or", "Not"}
_OTHERS = frozenset({"Variable", "Next", "Comment", "Assign", "Output"})
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def rule_problems(rule: Mapping[str, Any], *, top: bool = True) -> Iterator[tuple[str, str]]:
    """What is wrong with a rule: where in it, and in which words."""
    if "Condition" in rule:  # JSONata
        if not isinstance(rule["Condition"], bool) and not is_expression(rule["Condition"]):
            yield "/Condition", "Value is not a JSONata expression"
        return
    operators = sorted(rule.keys() & _OPERATORS)
    for name in sorted(rule.keys() - _OPERATORS - _OTHERS):
        yield f"/{name}", "Field is not supported"
    if not top and "Next" in rule:
        yield "/Next", "Field is not supported"
    if len(operators) != 1:
        yield "", "Exactly one comparison operator is required"
        return
    operator, operand = operators[0], rule[operators[0]]
    if operator in ("And", "Or"):
        if not isinstance(operand, list) or not operand:
            yield f"/{operator}", "The value is not a non-empty array"
            return
        for number, inner in enumerate(operand):
            yield from _inner(inner, f"/{operator}[{number}]")
    elif operator == "Not":
        yield from _inner(operand, "/Not")
    else:
        variable = rule.get("Variable")
        if not is_path(variable):
            yield "/Variable", "Value is not a valid JSONPath"
        if not _is_operand(operator, operand):
            yield f"/{operator}", "The value has not the type of the comparison"


def _inner(rule: Any, path: str) -> Iterator[tuple[str, str]]:
    if not isinstance(rule, Mapping):
        yield path, "The value is not a JSON object"
        return
    for within, text in rule_problems(rule, top=False):
        yield path + within, text


def _is_operand(operator: str, operand: Any) -> bool:
    if operator in _TESTS or operator == "BooleanEquals":
        return isinstance(operand, bool)
    if operator in _PATHS:
        return is_path(operand)
    match _COMPARISONS[operator]:
        case "Numeric":
            return isinstance(operand, int | float) and not isinstance(operand, bool)
        case "Timestamp":
            return is_time(operand)
    return isinstance(operand, str)


def is_time(value: Any) -> bool:
    """Whether a value is a time as RFC 3339 writes it, with a capital T and Z."""
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True

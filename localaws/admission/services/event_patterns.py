"""Patterns of events and filter policies: what may stand in their lists.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

MATCHERS = frozenset(
    {"anything-but", "cidr", "equals-ignore-case", "exists", "numeric", "prefix", "suffix",
     "wildcard"}
)  # fmt: skip
_COMPARISONS = ("<", "<=", "=", ">", ">=")


def pattern_problems(pattern: Mapping[str, Any], matchers: frozenset[str]) -> Iterator[str]:
    """What is wrong with the lists of a pattern, however deep they are."""
    for key, value in pattern.items():
        if key == "$or" and isinstance(value, list):
            for each in value:
                if isinstance(each, Mapping):
                    yield from pattern_problems(each, matchers)
        elif isinstance(value, Mapping):
            yield from pattern_problems(value, matchers)
        elif isinstance(value, list):
            for item in value:
                yield from _item_problems(key, item, matchers)
        else:
            yield f'"{key}" must be an object or an array'


def _item_problems(key: str, item: Any, matchers: frozenset[str]) -> Iterator[str]:
    if isinstance(item, list):
        yield f'Match value of "{key}" must be String, number, true, false, or null'
    if not isinstance(item, Mapping):
        return
    if len(item) != 1:
        yield f'Only one key allowed in match expression of "{key}"'
        return
    name, operand = next(iter(item.items()))
    if name not in matchers:
        yield f"Unrecognized match type {name}"
    elif name == "numeric":
        yield from _numeric_problems(operand)
    elif name == "exists" and not isinstance(operand, bool):
        yield "exists match pattern must be either true or false."
    elif name in ("suffix", "wildcard", "cidr") and not isinstance(operand, str | list | Mapping):
        yield f"{name} match pattern must be a string"


def _numeric_problems(operand: Any) -> Iterator[str]:
    if not isinstance(operand, list) or len(operand) not in (2, 4):
        yield "Value of numeric must be an array of one or two comparisons"
        return
    for sign, number in zip(operand[::2], operand[1::2], strict=True):
        if sign not in _COMPARISONS:
            yield f"Unrecognized numeric range operator: {sign}"
        elif isinstance(number, bool) or not isinstance(number, int | float):
            yield f"Value of {sign} must be numeric"

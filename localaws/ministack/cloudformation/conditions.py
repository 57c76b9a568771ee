"""The Conditions section of templates, with every function that AWS allows there.

MiniStack compares ``Fn::Join`` and ``Fn::FindInMap`` unresolved, so that the CDK's bootstrap stack
would trust an account without a name.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-conditions.html
"""

from collections.abc import Mapping
from typing import Any

from ministack.services.cloudformation import changesets, engine, handlers, stacks

from localaws.ministack import patches

Parameters = Mapping[str, Mapping[str, Any]]


def install() -> None:
    """Replace MiniStack's evaluation wherever it is bound."""
    for module in (engine, changesets, handlers, stacks):
        patches.replace(module, "_evaluate_conditions", lambda _: evaluate_conditions)


def evaluate_conditions(template: Mapping[str, Any], parameters: Parameters) -> dict[str, bool]:
    """All conditions of a template, by name."""
    conditions = Conditions(template, parameters)
    return {name: conditions.named(name) for name in template.get("Conditions", {})}


class Conditions:
    """Evaluates each condition once."""

    def __init__(self, template: Mapping[str, Any], parameters: Parameters) -> None:
        self._definitions = template.get("Conditions", {})
        self._mappings = template.get("Mappings", {})
        self._parameters = parameters
        self._known: dict[str, bool] = {}
        self._asked: set[str] = set()

    def named(self, name: str) -> bool:
        """The value of the condition of this name.

        Raises
        ------
        ValueError
        """
        if name not in self._known:
            if name not in self._definitions:
                raise ValueError(f"Template format error: Unresolved condition {name}")
            if name in self._asked:
                raise ValueError(f"Template format error: Circular dependency of condition {name}")
            self._asked.add(name)
            self._known[name] = self._evaluate(self._definitions[name])
        return self._known[name]

    def _evaluate(self, expression: Any) -> bool:
        match expression:
            case {"Condition": str(name)}:
                return self.named(name)
            case {"Fn::And": parts}:
                return all(self._evaluate(part) for part in parts)
            case {"Fn::Or": parts}:
                return any(self._evaluate(part) for part in parts)
            case {"Fn::Not": [part]}:
                return not self._evaluate(part)
            case {"Fn::Equals": [left, right]}:
                return str(self._value(left)) == str(self._value(right))
        raise ValueError(f"Template validation error: {expression} is not a condition")

    def _value(self, expression: Any) -> Any:
        return engine._resolve_refs(
            expression, {}, self._parameters, self._known, self._mappings, "", ""
        )

"""References within a template to what is not there, or to what waits for itself."""

from collections.abc import Callable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from localaws.cloudformation.intrinsic_functions import VARIABLE, is_function
from localaws.cloudformation.template_error import TemplateError

Template = Mapping[str, Any]
PSEUDO_PARAMETERS = frozenset(
    f"AWS::{name}"
    for name in (
        "AccountId", "NoValue", "NotificationARNs", "Partition", "Region", "StackId", "StackName",
        "URLSuffix",
    )
)  # fmt: skip


def check_references(
    template: Template,
    conditions: Mapping[str, bool],
    attributes: Callable[[str], frozenset[str] | None],
) -> None:
    """Refuse references to what is not in the template.

    ``attributes`` tells what Fn::GetAtt may ask of a resource type; None when nobody knows.

    Raises
    ------
    TemplateError
    """
    resources = template["Resources"]
    known = resources.keys() | template.get("Parameters", {}).keys() | PSEUDO_PARAMETERS
    for section in ("Resources", "Outputs"):
        found = list(_references(template.get(section, {})))
        missing = sorted({name for name, attribute in found if not attribute} - known)
        if section == "Resources":
            wanted = {d for resource in resources.values() for d in _depends_on(resource)}
            missing = sorted({*missing, *(wanted - resources.keys())})
        if missing:
            raise TemplateError(
                f"Template format error: Unresolved resource dependencies [{', '.join(missing)}]"
                f" in the {section} block of the template"
            )
        for name, attribute in found:
            if attribute:
                _check_attribute(name, attribute, resources, attributes)
    for section in ("Resources", "Outputs"):
        for member in template.get(section, {}).values():
            condition = member.get("Condition")
            if condition is not None and condition not in template.get("Conditions", {}):
                raise TemplateError(
                    f"Template format error: Unresolved condition dependency {condition} in the"
                    f" {section} block of the template"
                )
    _check_unmade(template, conditions)
    _check_order(resources)
    for section in ("Resources", "Outputs"):
        for value in _calls(template.get(section, {})):
            _check_call(value, template, section)


def check_condition_references(template: Template) -> None:
    """Conditions look at parameters alone.

    Raises
    ------
    TemplateError
    """
    known = template.get("Parameters", {}).keys() | PSEUDO_PARAMETERS
    found = {name for name, _ in _references(template.get("Conditions", {}))}
    if found - known:
        names = ", ".join(sorted(found - known))
        raise TemplateError(
            f"Template format error: Unresolved dependencies [{names}]. Cannot reference resources"
            " in the Conditions block of the template"
        )


def resources_of(value: Any, template: Template) -> list[str]:
    """The resources that a value refers to."""
    return sorted({name for name, _ in _references(value)} & template["Resources"].keys())


def _calls(value: Any) -> Iterator[Mapping[str, Any]]:
    """All calls of functions in a value, however deep."""
    if isinstance(value, list):
        for item in value:
            yield from _calls(item)
    if not isinstance(value, Mapping):
        return
    if is_function(value):
        yield value
    for key, item in value.items():
        if key != "Metadata":
            yield from _calls(item)


def _check_call(value: Mapping[str, Any], template: Template, section: str) -> None:
    name, argument = next(iter(value.items()))
    if name == "Fn::If" and argument[0] not in template.get("Conditions", {}):
        raise TemplateError(
            f"Template format error: Unresolved condition dependency {argument[0]} in the {section}"
            " block of the template"
        )
    if name in ("Fn::Select", "Fn::Join") and not _may_be_list(argument[1], template):
        text = f"{name} requires a list, or a function that returns one, as its second argument"
        raise TemplateError(f"Template error: {text}")


def _may_be_list(value: Any, template: Template) -> bool:
    if not is_function(value):
        return True
    name, argument = next(iter(value.items()))
    if name != "Ref":
        return name not in ("Fn::Base64", "Fn::Join", "Fn::Sub", "Fn::ToJsonString")
    kind = str(template.get("Parameters", {}).get(argument, {}).get("Type", "String"))
    return argument == "AWS::NotificationARNs" or "List" in kind


def _check_order(resources: Mapping[str, Any]) -> None:
    """Refuse resources that wait for each other."""
    needed = {
        name: {
            *(n for n, _ in _references(resource.get("Properties", {})) if n in resources),
            *_depends_on(resource),
        }
        for name, resource in resources.items()
    }
    try:
        TopologicalSorter(needed).prepare()
    except CycleError as error:
        names = ", ".join(sorted(set(error.args[1])))
        raise TemplateError(f"Circular dependency between resources: [{names}]") from None


def _check_unmade(template: Template, conditions: Mapping[str, bool]) -> None:
    """A resource whose condition is false is not there to be depended on by reference."""
    resources = template["Resources"]
    unmade = {n for n, r in resources.items() if not conditions.get(r.get("Condition", ""), True)}
    for name, resource in resources.items():
        if name in unmade:
            continue
        live = _taken_branches(resource.get("Properties", {}), conditions)
        missing = sorted({n for n, _ in _references(live)} & unmade)
        if missing:
            raise TemplateError(
                f"Template format error: Unresolved resource dependencies [{', '.join(missing)}]"
                " in the Resources block of the template"
            )


def _taken_branches(value: Any, conditions: Mapping[str, bool]) -> Any:
    """The value with every Fn::If replaced by the branch that it takes."""
    if isinstance(value, list):
        return [_taken_branches(item, conditions) for item in value]
    if not isinstance(value, Mapping):
        return value
    if list(value) == ["Fn::If"]:
        condition, yes, no = value["Fn::If"]
        return _taken_branches(yes if conditions.get(condition, True) else no, conditions)
    return {key: _taken_branches(item, conditions) for key, item in value.items()}


def _depends_on(resource: Mapping[str, Any]) -> list[str]:
    depends = resource.get("DependsOn", [])
    return [depends] if isinstance(depends, str) else list(depends)


def _references(value: Any) -> Iterator[tuple[str, str | None]]:
    """Name and attribute of every Ref, Fn::GetAtt and variable of Fn::Sub."""
    if isinstance(value, list):
        for item in value:
            yield from _references(item)
    if not isinstance(value, Mapping):
        return
    for key, argument in value.items():
        if key == "Ref" and len(value) == 1 and isinstance(argument, str):
            yield argument, None
        elif key == "Fn::GetAtt":
            name, _, attribute = _get_att(argument)
            if attribute:
                yield name, attribute
        elif key == "Fn::Sub":
            yield from _sub_references(argument)
        elif key != "Metadata":
            yield from _references(argument)


def _get_att(argument: Any) -> tuple[str, str, str]:
    if isinstance(argument, str):
        return argument.partition(".")
    name, attribute = argument
    return str(name), ".", attribute if isinstance(attribute, str) else ""


def _sub_references(argument: Any) -> Iterator[tuple[str, str | None]]:
    bindings: Mapping[str, Any] = {}
    text = argument
    if isinstance(argument, list):
        text, bindings = argument
    for name in map(str.strip, VARIABLE.findall(text)):
        if name.startswith("!") or name in bindings:
            continue
        resource, _, attribute = name.partition(".")
        yield resource, attribute or None
    yield from _references(list(bindings.values()))


def _check_attribute(
    name: str,
    attribute: str,
    resources: Mapping[str, Any],
    attributes: Callable[[str], frozenset[str] | None],
) -> None:
    if name not in resources:
        text = f"instance of Fn::GetAtt references undefined resource {name}"
        raise TemplateError(f"Template error: {text}")
    known = attributes(resources[name]["Type"])
    if known is not None and attribute not in known:
        text = f"resource {name} does not support attribute type {attribute} in Fn::GetAtt"
        raise TemplateError(f"Template error: {text}")

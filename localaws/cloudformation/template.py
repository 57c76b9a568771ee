"""Templates that CloudFormation refuses before it makes a stack of them.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

Template = Mapping[str, Any]


class TemplateError(ValueError):
    """What is wrong with a template, in CloudFormation's words."""


SECTIONS = frozenset(
    {
        "AWSTemplateFormatVersion",
        "Conditions",
        "Description",
        "Hooks",
        "Mappings",
        "Metadata",
        "Outputs",
        "Parameters",
        "Resources",
        "Rules",
        "Transform",
    }
)
RESOURCE_ATTRIBUTES = frozenset(
    {
        "Condition",
        "CreationPolicy",
        "DeletionPolicy",
        "DependsOn",
        "Metadata",
        "Properties",
        "Type",
        "UpdatePolicy",
        "UpdateReplacePolicy",
        "Version",
    }
)
DELETION_POLICIES = ("Delete", "Retain", "RetainExceptOnCreate", "Snapshot")
UPDATE_REPLACE_POLICIES = ("Delete", "Retain", "Snapshot")
SNAPSHOT_TYPES = ("AWS::DocDB", "AWS::EC2::Volume", "AWS::ElastiCache", "AWS::Neptune", "AWS::RDS",
                  "AWS::Redshift")  # fmt: skip
PARAMETER_TYPES = re.compile(
    r"String|Number|CommaDelimitedList|List<(Number|String)>"
    r"|(List<)?AWS::(EC2|Route53)::[A-Za-z0-9:]+>?"
    r"|AWS::SSM::Parameter::(Name|Value<.+>)"
)
PARAMETER_KEYS = frozenset(
    {
        "AllowedPattern",
        "AllowedValues",
        "ConstraintDescription",
        "Default",
        "Description",
        "MaxLength",
        "MaxValue",
        "MinLength",
        "MinValue",
        "NoEcho",
        "Type",
    }
)
PSEUDO_PARAMETERS = frozenset(
    f"AWS::{name}"
    for name in (
        "AccountId", "NoValue", "NotificationARNs", "Partition", "Region", "StackId", "StackName",
        "URLSuffix",
    )
)  # fmt: skip
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
MOST_NODES = 200_000
"""localaws's own limit: YAML aliases could unfold a short template without end."""
DEEPEST = 100
_NAME = re.compile(r"[A-Za-z0-9]+", re.ASCII)
_INDEX = re.compile(r"\s*[0-9]{1,9}\s*", re.ASCII)
_VARIABLE = re.compile(r"\$\{([^}]*)\}")


def check_form(template: Template) -> None:
    """Refuse a template that is not built as the reference says.

    Raises
    ------
    TemplateError
        For the first fault.
    """
    _check_size(template)
    unknown = sorted(str(name) for name in template.keys() - SECTIONS)
    if unknown:
        raise TemplateError(f"Invalid template property or properties [{', '.join(unknown)}]")
    version = template.get("AWSTemplateFormatVersion", "2010-09-09")
    if str(version) != "2010-09-09":
        raise TemplateError(
            "Template format error: unsupported value for AWSTemplateFormatVersion."
        )
    if not isinstance(template.get("Description", ""), str):
        raise TemplateError("Template format error: Description must be a string.")
    for section in ("Parameters", "Mappings", "Conditions", "Outputs", "Metadata", "Rules"):
        _map(template.get(section, {}), f"/{section}")
    _check_nulls(template)
    resources = _map(template.get("Resources", {}), "/Resources")
    if not resources:
        raise TemplateError("Template format error: At least one Resources member must be defined.")
    for name, resource in resources.items():
        _check_resource(name, resource)
    for name, parameter in template.get("Parameters", {}).items():
        _check_parameter(name, parameter)
    for name, mapping in template.get("Mappings", {}).items():
        _check_mapping(name, mapping)
    for name, output in template.get("Outputs", {}).items():
        _check_output(name, output)
    for section in ("Resources", "Outputs", "Conditions"):
        _check_functions(template.get(section, {}), f"/{section}")


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


def is_function(value: Any) -> bool:
    """Whether a value is a call of an intrinsic function."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return False
    name = next(iter(value))
    return name in ("Ref", "Condition") or (isinstance(name, str) and name.startswith("Fn::"))


def _map(value: Any, path: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        kind = path.strip("/").split("/")[0]
        raise TemplateError(f"Template format error: [{path}] {kind} must be an object.")
    for name in value:
        if not isinstance(name, str):
            raise TemplateError(f"Template format error: [{path}] the key {name!r} is no text.")
    return value


def _check_size(template: Template) -> None:
    nodes = 0
    pending: list[tuple[Any, int]] = [(template, 0)]
    while pending:
        value, depth = pending.pop()
        nodes += 1
        if nodes > MOST_NODES or depth > DEEPEST:
            raise TemplateError(
                f"Template format error: localaws takes at most {MOST_NODES} values and"
                f" {DEEPEST} levels in a template."
            )
        children: Iterable[Any] = ()
        if isinstance(value, Mapping):
            children = value.values()
        elif isinstance(value, list):
            children = value
        pending += [(child, depth + 1) for child in children]


def _check_nulls(template: Template) -> None:
    """Null is no value of a template, except in Metadata."""
    for section in template.keys() - {"Metadata"}:
        path = _null_path(template[section], f"/{section}")
        if path is not None:
            text = "'null' values are not allowed in templates"
            raise TemplateError(f"Template format error: [{path}] {text}")


def _null_path(value: Any, path: str) -> str | None:
    if value is None:
        return path
    children: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, Mapping):
        children = ((key, item) for key, item in value.items() if key != "Metadata")
    elif isinstance(value, list):
        children = enumerate(value)
    found = (_null_path(child, f"{path}/{name}") for name, child in children)
    return next((path for path in found if path is not None), None)


def _check_resource(name: str, resource: Any) -> None:
    _check_name("Resource", name)
    if not isinstance(resource, Mapping):
        raise TemplateError("Template format error: Any Resources member must be an object.")
    if not isinstance(resource.get("Type"), str):
        text = "Every Resources object must contain a Type member."
        raise TemplateError(f"Template format error: [/Resources/{name}] {text}")
    unknown = sorted(str(attribute) for attribute in resource.keys() - RESOURCE_ATTRIBUTES)
    if unknown:
        text = f"Invalid template resource property '{unknown[0]}'"
        raise TemplateError(f"{text} of resource {name}")
    if not isinstance(resource.get("Properties", {}), Mapping):
        raise TemplateError(
            f"Template format error: [/Resources/{name}/Properties] Properties must be an object."
        )
    if not isinstance(resource.get("Condition", ""), str):
        text = f"[/Resources/{name}/Condition] Condition must be a string."
        raise TemplateError(f"Template format error: {text}")
    depends = resource.get("DependsOn", [])
    if not isinstance(depends, str | list) or not all(isinstance(d, str) for d in depends):
        text = f"[/Resources/{name}/DependsOn] DependsOn must be a string or list of strings."
        raise TemplateError(f"Template format error: {text}")
    _check_policy(name, resource, "DeletionPolicy", DELETION_POLICIES)
    _check_policy(name, resource, "UpdateReplacePolicy", UPDATE_REPLACE_POLICIES)


def _check_policy(
    name: str, resource: Mapping[str, Any], attribute: str, allowed: tuple[str, ...]
) -> None:
    policy = resource.get(attribute, "Delete")
    if is_function(policy):
        return
    if policy not in allowed:
        text = f"Unrecognized {attribute} {policy} for resource {name}"
        raise TemplateError(f"Template format error: {text}")
    if policy == "Snapshot" and not resource["Type"].startswith(SNAPSHOT_TYPES):
        text = f"resource type {resource['Type']} does not support {attribute} Snapshot"
        raise TemplateError(f"Template error: {text}")


def _check_name(kind: str, name: str) -> None:
    if not _NAME.fullmatch(name) and not name.startswith("Fn::ForEach::"):
        text = f"{kind} name {name} is non alphanumeric."
        raise TemplateError(f"Template format error: {text}")


def _check_parameter(name: str, parameter: Any) -> None:
    _check_name("Parameter", name)
    if not isinstance(parameter, Mapping) or not isinstance(parameter.get("Type"), str):
        text = "Every Parameters object must contain a Type member."
        raise TemplateError(f"Template format error: {text}")
    if not PARAMETER_TYPES.fullmatch(parameter["Type"]):
        text = f"Unrecognized parameter type: {parameter['Type']}"
        raise TemplateError(f"Template format error: {text}")
    unknown = sorted(str(key) for key in parameter.keys() - PARAMETER_KEYS)
    if unknown:
        raise TemplateError(f"Invalid template parameter property '{unknown[0]}'")
    for key, value in parameter.items():
        kind = list if key == "AllowedValues" else (str, int, float, bool)
        if not isinstance(value, kind):
            text = f"[/Parameters/{name}/{key}] has a value of the wrong type."
            raise TemplateError(f"Template format error: {text}")


def _check_mapping(name: str, mapping: Any) -> None:
    for key, attributes in _map(mapping, f"/Mappings/{name}").items():
        if is_function({key: attributes}):
            continue
        for attribute, value in _map(attributes, f"/Mappings/{name}/{key}").items():
            values = value if isinstance(value, list) else [value]
            if not all(isinstance(item, str | int | float | bool) for item in values):
                raise TemplateError(
                    "Template format error: Every Mappings attribute must be a String or a List:"
                    f" /Mappings/{name}/{key}/{attribute} is not."
                )


def _check_output(name: str, output: Any) -> None:
    _check_name("Output", name)
    if isinstance(output, list) and name.startswith("Fn::ForEach::"):
        return
    if not isinstance(output, Mapping) or "Value" not in output:
        text = "Every Outputs member must contain a Value object"
        raise TemplateError(f"Template format error: {text}")
    export = output.get("Export", {"Name": ""})
    if not isinstance(export, Mapping) or export.keys() != {"Name"}:
        text = f"Output {name} is malformed. The Name field must be specified inside the Export"
        raise TemplateError(f"Template format error: {text} object")
    if not isinstance(output.get("Condition", ""), str):
        text = f"[/Outputs/{name}/Condition] Condition must be a string."
        raise TemplateError(f"Template format error: {text}")


def _check_functions(value: Any, path: str) -> None:
    if isinstance(value, list):
        for number, item in enumerate(value):
            _check_functions(item, f"{path}/{number}")
    if not isinstance(value, Mapping):
        return
    for key, argument in value.items():
        if isinstance(key, str) and key.startswith("Fn::"):
            _check_function(key, argument, path)
        if key == "Ref" and len(value) == 1 and not isinstance(argument, str):
            raise TemplateError(f"Template format error: [{path}] Every Ref must be a string.")
        _check_functions(argument, f"{path}/{key}")


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
    if name == "Fn::Sub":
        _check_sub(argument, path)
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
            right = isinstance(arguments[0], str) and isinstance(arguments[1], list | Mapping)
        case "Fn::Select":
            index = arguments[0]
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
    for name in _VARIABLE.findall(text):
        if not name.startswith("!") and not re.fullmatch(r"\s*[A-Za-z0-9_.:]+\s*", name):
            raise TemplateError(
                "Template error: variable names in Fn::Sub syntax must contain only alphanumeric"
                " characters, underscores, periods, and colons"
            )


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
    for name in map(str.strip, _VARIABLE.findall(text)):
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

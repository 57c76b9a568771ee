"""Templates that CloudFormation refuses before it makes a stack of them.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from localaws.cloudformation.intrinsic_functions import check_functions, is_function
from localaws.cloudformation.references import Template, check_condition_references, resources_of
from localaws.cloudformation.template_error import TemplateError

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
OUTPUT_KEYS = frozenset({"Condition", "Description", "Export", "Value"})
LONGEST_DESCRIPTION = 1024
UPDATE_POLICIES = frozenset(
    {"AutoScalingReplacingUpdate", "AutoScalingRollingUpdate", "AutoScalingScheduledAction",
     "CodeDeployLambdaAliasUpdate", "EnableVersionUpgrade", "UseOnlineResharding"}
)  # fmt: skip
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
MOST_NODES = 200_000
"""localaws's own limit: YAML aliases could unfold a short template without end."""
DEEPEST = 100
_NAME = re.compile(r"[A-Za-z0-9]+", re.ASCII)


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
        check_functions(template.get(section, {}), f"/{section}")
    check_condition_references(template)
    both = sorted(resources.keys() & template.get("Parameters", {}).keys())
    if both:
        text = f"Parameters and resources must have unique names: [{', '.join(both)}]"
        raise TemplateError(f"Template format error: {text}")
    _check_exports(template)


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
    for attribute in ("CreationPolicy", "Metadata", "UpdatePolicy"):
        if not isinstance(resource.get(attribute, {}), Mapping):
            text = f"[/Resources/{name}/{attribute}] {attribute} must be an object."
            raise TemplateError(f"Template format error: {text}")
    policies = sorted(str(key) for key in resource.get("UpdatePolicy", {}).keys() - UPDATE_POLICIES)
    if policies and not is_function(resource["UpdatePolicy"]):
        raise TemplateError(f"Encountered unsupported UpdatePolicy {policies[0]} of {name}")
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
    if str(parameter.get("NoEcho", False)).lower() not in ("true", "false"):
        text = f"[/Parameters/{name}/NoEcho] NoEcho must be true or false."
        raise TemplateError(f"Template format error: {text}")
    for key, value in parameter.items():
        kind = list if key == "AllowedValues" else (str, int, float, bool)
        if not isinstance(value, kind):
            text = f"[/Parameters/{name}/{key}] has a value of the wrong type."
            raise TemplateError(f"Template format error: {text}")


def _check_mapping(name: str, mapping: Any) -> None:
    _check_name("Mapping", name)
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


def _check_exports(template: Template) -> None:
    names = []
    for name, output in template.get("Outputs", {}).items():
        export = output.get("Export", {}).get("Name") if isinstance(output, Mapping) else None
        if resources_of(export, template):
            text = f"Output {name} is malformed. The name of an Export cannot depend on a resource"
            raise TemplateError(f"Template format error: {text}")
        if isinstance(export, str):
            names.append(export)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        text = f"Duplicate Export names [{', '.join(twice)}]"
        raise TemplateError(f"Template format error: {text}")


def _check_output(name: str, output: Any) -> None:
    _check_name("Output", name)
    if isinstance(output, list) and name.startswith("Fn::ForEach::"):
        return
    if not isinstance(output, Mapping) or "Value" not in output:
        text = "Every Outputs member must contain a Value object"
        raise TemplateError(f"Template format error: {text}")
    value = output["Value"]
    if isinstance(value, list) or (isinstance(value, Mapping) and not is_function(value)):
        text = f"Output {name} is malformed. The Value field of every Outputs member must evaluate"
        raise TemplateError(f"Template format error: {text} to a String.")
    export = output.get("Export", {"Name": ""})
    if not isinstance(export, Mapping) or export.keys() != {"Name"}:
        text = f"Output {name} is malformed. The Name field must be specified inside the Export"
        raise TemplateError(f"Template format error: {text} object")
    unknown = sorted(str(key) for key in output.keys() - OUTPUT_KEYS)
    if unknown:
        raise TemplateError(f"Invalid template output property '{unknown[0]}'")
    description = output.get("Description", "")
    if not isinstance(description, str) or len(description.encode()) > LONGEST_DESCRIPTION:
        text = f"[/Outputs/{name}/Description] must be a string of at most {LONGEST_DESCRIPTION}"
        raise TemplateError(f"Template format error: {text} bytes.")
    if not isinstance(output.get("Condition", ""), str):
        text = f"[/Outputs/{name}/Condition] Condition must be a string."
        raise TemplateError(f"Template format error: {text}")

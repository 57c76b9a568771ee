"""CloudFormation refuses here what it refuses on AWS, before or while it makes a stack.

Templates are checked where MiniStack reads them, properties before a stack starts and again when
they are resolved, names before a resource takes them, and nothing that goes wrong inside leaves a
stack in progress.
"""

import logging
import re
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.responses import get_region
from ministack.services import cloudformation
from ministack.services.cloudformation import changesets, engine, handlers, stacks

from localaws.cloudformation.references import check_references
from localaws.cloudformation.schemas import (
    property_problems,
    readable_attributes,
    resource_schema,
)
from localaws.cloudformation.template import check_form
from localaws.cloudformation.template_error import TemplateError
from localaws.ministack import patches
from localaws.ministack.cloudformation.resource_admission import admit, failed_properties
from localaws.ministack.cloudformation.taken_names import taken_name

Properties = Mapping[str, Any]
Json = dict[str, Any]

logger = logging.getLogger(__name__)
_UNRECOGNIZED = re.compile(r"Unrecognized resource types: \[(.*)\]")
TRANSFORMS = ("AWS::Include", "AWS::LanguageExtensions")
_EXPORT = re.compile(r"[A-Za-z0-9:-]+")


def install() -> None:
    """Replace MiniStack's functions wherever they are bound."""
    for module in (engine, handlers, changesets):
        patches.replace(module, "_parse_template", _formed)
    for module in (handlers, changesets):
        patches.replace(module, "_apply_transforms", _checked_after)
        patches.replace(module, "validate_template_support", _with_references)
        patches.replace(module, "_resolve_parameters", _with_known_parameters)
    patches.replace(stacks, "_validation_errors", lambda _: _validation_errors)
    patches.replace(stacks, "_resolve_stack_outputs", _with_free_exports)
    patches.replace(stacks, "_resolve_refs", _explained)
    patches.replace(stacks, "_provision_resource", _admitted_creation)
    patches.replace(stacks, "_update_resource", _admitted_update)
    for module in (stacks, handlers, changesets):
        patches.replace(module, "_deploy_stack_async", _always_ended)
    actions = patches.table(handlers, "_ACTION_HANDLERS")
    for action in ("CreateChangeSet", "DescribeChangeSet", "ListChangeSets"):
        actions[action] = _without_executed(actions[action])


def _formed(parse: Callable[[str], Json]) -> Callable[[str], Json]:
    """A template is read and held against the reference."""

    def read(body: str) -> Json:
        try:
            template = parse(body)
        except RecursionError:
            raise TemplateError("the template is nested too deeply") from None
        except ValueError:
            kind = "JSON" if body.lstrip().startswith("{") else "YAML"
            raise TemplateError(f"{kind} not well-formed.") from None
        except Exception as error:  # the YAML reader has errors of its own
            at = getattr(error, "problem_mark", None)
            where = f" (line {at.line + 1}, column {at.column + 1})" if at else ""
            raise TemplateError(f"YAML not well-formed.{where}") from None
        if not template.get("Transform"):
            _check_form(template)
        return template

    return read


def _checked_after(transform: Callable[..., Json]) -> Callable[..., Json]:
    """A template is held against the reference once its macros have had their way with it."""

    def apply(template: Json, *further: Any, **named: Any) -> Json:
        _check_transforms(template)
        transformed = transform(template, *further, **named)
        if template.get("Transform") and isinstance(transformed, dict):
            _check_form({k: v for k, v in transformed.items() if k != "Transform"})
        return transformed

    return apply


def _check_transforms(template: Json) -> None:
    for name in engine.declared_transforms(template):
        if not name.startswith("AWS::"):
            raise TemplateError(f"No transform named {name} found.")
        if name not in TRANSFORMS:
            here = ", ".join(TRANSFORMS)
            raise TemplateError(f"localaws does not have the transform {name}, but {here}")


def _check_form(template: Json) -> None:
    """MiniStack puts ``Template format error:`` before what reading a template raises."""
    try:
        check_form(template)
    except TemplateError as error:
        raise TemplateError(str(error).removeprefix("Template format error: ")) from None


def _with_references(validate: Callable[..., None]) -> Callable[..., None]:
    def check(template: Json, conditions: Mapping[str, bool], *further: Any, **named: Any) -> None:
        try:
            validate(template, conditions, *further, **named)
        except ValueError as error:
            raise _of_missing_types(error) from None
        if not template.get("Transform"):
            check_references(template, conditions, _attributes)

    return check


def _of_missing_types(error: ValueError) -> ValueError:
    """Types that AWS has and localaws lacks are not said to be unrecognized."""
    named = _UNRECOGNIZED.search(str(error))
    types = named[1].split(", ") if named else []
    region = get_region()
    missing = [each for each in types if resource_schema(each, region) is not None]
    if not missing:
        return error
    return TemplateError(f"localaws does not have the resource types [{', '.join(missing)}]")


def _with_known_parameters(resolve: Callable[..., Json]) -> Callable[..., Json]:
    def known(template: Json, provided: list[Json], *further: Any, **named: Any) -> Json:
        keys = {str(parameter["Key"]) for parameter in provided if "Key" in parameter}
        unknown = sorted(keys - template.get("Parameters", {}).keys())
        if unknown:
            names = ", ".join(unknown)
            raise TemplateError(f"Parameters: [{names}] do not exist in the template")
        return resolve(template, provided, *further, **named)

    return known


def _attributes(resource_type: str) -> frozenset[str] | None:
    return readable_attributes(resource_type, get_region())


def _validation_errors(
    resources: Json,
    ordered: list[str],
    parameters: Json,
    conditions: Mapping[str, bool],
    mappings: Json,
    stack_name: str,
    stack_id: str,
    owned_buckets: frozenset[str] = frozenset(),
) -> list[tuple[str, str, str, str, str]]:
    """What keeps a stack from being started: logical id, type, check, path and reason of each.

    Each is an event of its resource too, since clients show events.
    """
    previous = cloudformation._stacks.get(stack_name, {}).get("_resources", {})
    is_update = bool(previous)
    found = []
    for logical_id in ordered:
        resource = resources[logical_id]
        kind = resource["Type"]
        resolver = _Resolver(resources, parameters, conditions, mappings, stack_name, stack_id)
        try:
            properties = resolver.resolved(resource.get("Properties", {}))
        except ValueError:
            continue  # reported when the resource's turn comes
        path = f"/Resources/{logical_id}"
        problems = property_problems(kind, get_region(), properties)
        if problems:
            reason = failed_properties(logical_id, problems)
            found.append((logical_id, kind, "PROPERTY_VALIDATION", f"{path}/Properties", reason))
        elif logical_id not in previous and (taken := taken_name(kind, properties)):
            found.append((logical_id, kind, "NAME_CONFLICT_VALIDATION", path, taken))
    for logical_id, kind, _, _, reason in found:
        status = "UPDATE_FAILED" if is_update else "CREATE_FAILED"
        stacks._add_event(stack_id, stack_name, logical_id, kind, status, reason)
    return found


class _Resolver:
    """Resolves what does not depend on resources that are still to be made."""

    def __init__(
        self,
        resources: Json,
        parameters: Json,
        conditions: Mapping[str, bool],
        mappings: Json,
        stack_name: str,
        stack_id: str,
    ) -> None:
        self._resources = resources
        self._rest: tuple[Any, ...] = ({}, parameters, conditions, mappings, stack_name, stack_id)
        self._conditions = conditions

    def resolved(self, value: Any) -> Any:
        """The value; calls of functions that ask for a resource stay as they are."""
        if isinstance(value, list):
            items = [self.resolved(item) for item in value]
            return [item for item in items if item is not engine._NO_VALUE]
        if not isinstance(value, dict):
            return value
        if list(value) == ["Fn::If"]:
            condition, yes, no = value["Fn::If"]
            return self.resolved(yes if self._conditions.get(condition) else no)
        if len(value) == 1 and (name := next(iter(value))) and _is_function_name(name):
            return (
                value if self._needs_resource(value) else stacks._resolve_refs(value, *self._rest)
            )
        members = {key: self.resolved(member) for key, member in value.items()}
        return {k: member for k, member in members.items() if member is not engine._NO_VALUE}

    def _needs_resource(self, value: Any) -> bool:
        if "Fn::GetStackOutput" in value or "Fn::ImportValue" in value:
            return True
        return any(name in self._resources for name, _ in engine._intrinsic_references(value))


def _is_function_name(name: str) -> bool:
    return name == "Ref" or name.startswith("Fn::")


def _admitted_creation(provision: Callable[..., Any]) -> Callable[..., Any]:
    def create(kind: str, logical_id: str, properties: Json, stack_name: str) -> Any:
        _explained(admit)(kind, logical_id, properties)
        if taken := taken_name(kind, properties):
            raise ValueError(taken)
        return _explained(provision)(kind, logical_id, properties, stack_name)

    return create


def _admitted_update(change: Callable[..., Any]) -> Callable[..., Any]:
    def update(
        kind: str,
        physical_id: str,
        old: Json,
        new: Json,
        stack_name: str,
        logical_id: str | None = None,
        old_attributes: Json | None = None,
    ) -> Any:
        if old != new:
            _explained(admit)(kind, logical_id or physical_id, new)
        arguments = (kind, physical_id, old, new, stack_name, logical_id, old_attributes)
        return _explained(change)(*arguments)

    return update


_OF_PYTHON = ("invalid literal for", "could not convert", "not enough values", "too many values")


def _unreadable(error: Exception) -> ValueError:
    logger.warning("CloudFormation: %r", error, exc_info=True)
    return ValueError(
        "localaws cannot read this resource: a property or a function's argument has a form that"
        " it does not take."
    )


def _explained(function: Callable[..., Any]) -> Callable[..., Any]:
    """A fault inside the emulator is called so: no Python text becomes a reason."""

    def call(*arguments: Any, **named: Any) -> Any:
        try:
            return function(*arguments, **named)
        except ValueError as error:
            if str(error).startswith(_OF_PYTHON):
                raise _unreadable(error) from error
            raise
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError) as error:
            raise _unreadable(error) from error

    return call


def _with_free_exports(resolve: Callable[..., Any]) -> Callable[..., Any]:
    """An export name belongs to one stack of an account and region."""

    def outputs(*arguments: Any) -> Any:
        resolved, exports = _explained(resolve)(*arguments)
        stack_id = arguments[-1]
        for name in exports:
            if not _EXPORT.fullmatch(name):
                raise ValueError(
                    f"Cannot export output {name}. Exported names must be composed only of"
                    " alphanumeric characters, colons, or hyphens."
                )
            owner = cloudformation._exports.get(name)
            if owner is not None and owner["StackId"] != stack_id:
                holder = owner["StackId"].split("/")[1]
                raise ValueError(f"Export with name {name} is already exported by stack {holder}")
        return resolved, exports

    return outputs


def _always_ended(deploy: Callable[..., Any]) -> Callable[..., Any]:
    """Whatever happens in a deployment, its stack does not stay in progress."""

    async def run(stack_name: str, stack_id: str, *further: Any, **named: Any) -> None:
        try:
            await deploy(stack_name, stack_id, *further, **named)
        except Exception:
            logger.exception("The deployment of stack %s failed", stack_name)
            stack = cloudformation._stacks.get(stack_name)
            if stack is None or not stack["StackStatus"].endswith("IN_PROGRESS"):
                return
            is_update = bool(named.get("is_update"))
            status = "UPDATE_ROLLBACK_FAILED" if is_update else "CREATE_FAILED"
            reason = "Internal failure of localaws; its log says which."
            stack["StackStatus"], stack["StackStatusReason"] = status, reason
            kind = "AWS::CloudFormation::Stack"
            stacks._add_event(stack_id, stack_name, stack_name, kind, status, reason, stack_id)

    return run


def _without_executed(handle: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A change set that was executed is gone, with all others of its stack.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets-execute.html
    """

    def answer(parameters: Any) -> Any:
        change_sets = cloudformation._change_sets
        updated = {
            change_set["StackId"]
            for change_set in change_sets.values()
            if change_set["ExecutionStatus"] == "EXECUTE_COMPLETE"
        }
        for name, change_set in list(change_sets.items()):
            if change_set["StackId"] in updated:
                del change_sets[name]
        return handle(parameters)

    return answer

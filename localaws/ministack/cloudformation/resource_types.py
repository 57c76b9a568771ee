"""Adds resource types to MiniStack's CloudFormation, and mends some that it has."""

from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudformation
from ministack.services.cloudformation import engine, provisioners, stacks
from ministack.services.cloudformation import handlers as operations

from localaws.backend import Scope
from localaws.cloudformation.resource_calls import Provisioned, Resource
from localaws.cloudformation.resource_types import ResourceType
from localaws.ministack import patches

Handler = Callable[..., Any]

NAMESPACES = frozenset(
    {
        "AWS::ApiGateway",
        "AWS::CDK",
        "AWS::CloudFormation",
        "AWS::CloudWatch",
        "AWS::Cognito",
        "AWS::DynamoDB",
        "AWS::ECR",
        "AWS::Events",
        "AWS::IAM",
        "AWS::KMS",
        "AWS::Lambda",
        "AWS::Logs",
        "AWS::S3",
        "AWS::SNS",
        "AWS::Scheduler",
        "AWS::SSM",
        "AWS::StepFunctions",
    }
)
"""Of the types that MiniStack has, those whose service answers here."""
IDENTITY_POOLS = "AWS::Cognito::Identity"
"""Of another service than user pools."""

DELETED_STACKS = 500
"""That are listed of an account in a region, where AWS lists those of 90 days: saving and starting
would get slower with each."""


def register(types: Mapping[str, ResourceType]) -> None:
    """Let stacks hold resources of these types, and of services that answer here: no others.

    Each is handled on a thread, for it may wait.
    """
    handlers = patches.table(provisioners, "_RESOURCE_HANDLERS")
    for name in list(handlers):
        if name.rpartition("::")[0] not in NAMESPACES or name.startswith(IDENTITY_POOLS):
            del handlers[name]
    for name, resource_type in types.items():
        handlers[name] = _handlers(resource_type)
        replacing = patches.table(provisioners, "_REPLACING_PROPERTIES")
        replacing[name] = set(resource_type.replacing)
        if resource_type.tagged:
            patches.table(provisioners, "_STACK_TAG_PROPERTY")[name] = ("Tags", "list")
        if resource_type.name is not None:
            names = patches.table(provisioners, "_CUSTOM_NAME_REPLACEMENT")
            names[name] = {"name": resource_type.name}
    patches.replace(
        stacks,
        "_runs_on_worker_thread",
        lambda runs_on_thread: lambda name: name in types or runs_on_thread(name),
    )
    for module in (stacks, operations):
        patches.replace(module, "_delete_stack_async", _in_dependency_order)


class Remaining(dict[str, Any]):
    """The resources of a stack that is being deleted, by logical id.

    One that another resource still needs, because that one could not be deleted, is out of reach:
    CloudFormation deletes a resource after everything that depends on it, or not at all.
    """

    def __init__(self, resources: Mapping[str, Any], definitions: Mapping[str, Any]) -> None:
        super().__init__(resources)
        self._needs = {
            name: engine._extract_deps(definitions[name], set(resources))
            for name in resources
            if name in definitions
        }

    def get(self, name: str, default: Any = None) -> Any:
        """The resource, unless one that remains needs it."""
        if any(name in self._needs.get(other, ()) for other in self if other != name):
            return default
        return super().get(name, default)


def _in_dependency_order(delete: Handler) -> Handler:
    """MiniStack's deletion of a stack, which goes on with what a failed resource needs."""

    async def delete_stack(stack_name: str, *arguments: Any, **named: Any) -> None:
        stack = cloudformation._stacks.get(stack_name)
        if stack is None:
            return
        definitions = (stack.get("_template") or {}).get("Resources", {})
        stack["_resources"] = Remaining(stack.get("_resources", {}), definitions)
        try:
            await delete(stack_name, *arguments, **named)
        finally:
            stack["_resources"] = dict(stack["_resources"])
            _forget_deleted()

    return delete_stack


def _forget_deleted() -> None:
    """Forget the oldest deleted stacks of the scope, with their events; on the event loop."""
    scope = (get_account_id(), get_region())
    deleted = [
        (key, stack["StackId"])
        for key, stack in cloudformation._stacks._data.items()
        if key[:2] == scope and stack["StackStatus"] == "DELETE_COMPLETE"
    ]
    for key, stack_id in deleted[:-DELETED_STACKS]:
        cloudformation._stacks._data.pop(key, None)
        cloudformation._stack_events._data.pop((*scope, stack_id), None)


def is_deploying() -> bool:
    """Whether any stack is being created, changed or deleted."""
    statuses = [stack["StackStatus"] for stack in cloudformation._stacks.all_values()]
    return any(s.endswith("IN_PROGRESS") and not s.startswith("REVIEW") for s in statuses)


def after_each_change(prefix: str, changed: Callable[[], None]) -> None:
    """Call ``changed`` whenever stacks made, changed or deleted a resource of such a type."""
    for name, handlers in patches.table(provisioners, "_RESOURCE_HANDLERS").items():
        if name.startswith(prefix):
            for verb in handlers.keys() & {"create", "update", "delete"}:
                handlers[verb] = _followed_by(handlers[verb], changed)


def _handlers(resource_type: ResourceType) -> dict[str, Any]:
    """The functions that MiniStack calls, with its arguments."""

    def create(logical_id: str, properties: dict[str, Any], stack_name: str) -> tuple[Any, ...]:
        return _answer(resource_type.create(_resource(logical_id, properties)))

    def update(
        physical_id: str,
        old: dict[str, Any],
        new: dict[str, Any],
        stack_name: str,
        logical_id: str,
    ) -> tuple[Any, ...]:
        return _answer(resource_type.update(physical_id, old, _resource(logical_id, new)))

    def delete(physical_id: str, properties: dict[str, Any]) -> None:
        resource_type.delete(physical_id, _resource("", properties))

    return {"create": create, "update": update, "update_with_logical_id": True, "delete": delete}


def _resource(logical_id: str, properties: dict[str, Any]) -> Resource:
    return Resource(Scope(get_account_id(), get_region()), logical_id, properties)


def _answer(provisioned: Provisioned) -> tuple[str, dict[str, str]]:
    return provisioned.physical_id, dict(provisioned.attributes)


def _followed_by(handler: Handler, changed: Callable[[], None]) -> Handler:
    def handle(*arguments: Any, **named: Any) -> Any:
        try:
            return handler(*arguments, **named)
        finally:
            changed()

    return handle

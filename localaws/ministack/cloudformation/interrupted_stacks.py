"""Stacks that were being made, changed or deleted when localaws ended.

While a stack changes, its record holds what rolling it back needs. At the next start it is rolled
back, or its deletion goes on; and what a stack had made in the moment of the kill, before its
record said so, is found by the tags of SageMaker's resources and deleted.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from ministack.core.responses import request_scope
from ministack.services import cloudformation
from ministack.services.cloudformation import changesets, handlers, stacks

from localaws.backend import Scope
from localaws.errors import AwsError
from localaws.ministack import patches

Stack = dict[str, Any]
Deploy = Callable[..., Awaitable[None]]
RUNNING = "_running_operation"
REASON = "localaws ended while the stack was being changed"
MARGIN_SECONDS = 1.0
KINDS = (
    ("Endpoint", "Endpoints"),
    ("EndpointConfig", "EndpointConfigs"),
    ("Model", "Models"),
)
"""SageMaker's resources in stacks, what needs others first."""

logger = logging.getLogger(__name__)


class SageMaker(Protocol):
    """The control plane of SageMaker."""

    def call(self, scope: Scope, operation: str, request: dict[str, Any]) -> dict[str, Any]: ...


def install() -> None:
    """Keep in each stack's record what rolling it back needs, for as long as it changes."""
    for module in (stacks, handlers, changesets):
        patches.replace(module, "_deploy_stack_async", _noted)


async def recover(sagemaker: SageMaker, saved_at: float) -> None:
    """Bring every stack of an earlier run to an end, then delete what belongs to none.

    ``saved_at``, in seconds since the epoch, is when the stacks were written last: what was made
    before and is in no stack was left on purpose, by a DeletionPolicy for example.
    """
    interrupted = [
        (key, stack)
        for key, stack in list(cloudformation._stacks._data.items())
        if stack["StackStatus"].endswith("IN_PROGRESS")
        and not stack["StackStatus"].startswith("REVIEW")
    ]
    for (account_id, region, name), stack in interrupted:
        logger.warning("stack %s was %s: %s", name, stack["StackStatus"], REASON)
        with request_scope(account_id, region):
            try:
                await _end(name, stack)
            except Exception:
                logger.exception("stack %s could not be rolled back", name)
                stack["StackStatus"] = "ROLLBACK_FAILED"
                stack["StackStatusReason"] = REASON
    scopes = {Scope(key[0], key[1]) for key in list(cloudformation._stacks._data)}
    for scope in scopes:
        await asyncio.to_thread(_delete_orphans, scope, sagemaker, saved_at - MARGIN_SECONDS)


def _noted(deploy: Deploy) -> Deploy:
    async def deploy_noted(
        stack_name: str,
        stack_id: str,
        template: Stack,
        param_values: Stack,
        disable_rollback: bool,
        tags: list[Any],
        is_update: bool = False,
        previous_stack: Stack | None = None,
        retain_except_on_create: bool = False,
        imports: Stack | None = None,
    ) -> None:
        stack = cloudformation._stacks[stack_name]
        previous_tags = (previous_stack or {}).get("Tags") or []
        stack[RUNNING] = stacks._failed_operation(
            is_update,
            previous_stack,
            (),
            None,
            None,
            (),
            False,
            template,
            param_values,
            retain_except_on_create,
            stack.get("Tags") or [],
            previous_tags,
            imports,
        )
        await deploy(
            stack_name,
            stack_id,
            template,
            param_values,
            disable_rollback,
            tags,
            is_update,
            previous_stack,
            retain_except_on_create,
            imports,
        )
        stack.pop(RUNNING, None)

    return deploy_noted


async def _end(name: str, stack: Stack) -> None:
    stack_id = stack["StackId"]
    operation = stack.pop(RUNNING, None)
    if stack["StackStatus"].startswith("DELETE"):
        await stacks._delete_stack_async(name, stack_id)
        return
    if operation is None:
        stack["StackStatus"] = "CREATE_FAILED"
        stack["StackStatusReason"] = REASON
        return
    stack["StackStatusReason"] = REASON
    operation["created"] = _changed(stack, operation["previous_stack"])
    await stacks._roll_back_operation(name, stack_id, stack, operation, reason_override=REASON)


def _changed(stack: Stack, previous: Stack | None) -> list[str]:
    """What the operation made or changed, in its order."""
    before: Mapping[str, Any] = (previous or {}).get("_resources", {})
    resources = stack.get("_resources", {})
    return [name for name, resource in resources.items() if before.get(name) != resource]


def _delete_orphans(scope: Scope, sagemaker: SageMaker, since: float) -> None:
    """Delete SageMaker's resources that a stack made since then and that no stack holds."""
    held = {
        str(resource.get("PhysicalResourceId"))
        for key, stack in list(cloudformation._stacks._data.items())
        if key[:2] == (scope.account_id, scope.region)
        for resource in stack.get("_resources", {}).values()
    }
    for kind, plural in KINDS:
        for arn, name in _made(scope, sagemaker, kind, plural, since):
            tags = sagemaker.call(scope, "ListTags", {"ResourceArn": arn})["Tags"]
            keys = {tag["Key"] for tag in tags}
            if "aws:cloudformation:stack-id" in keys and not {arn, name} & held:
                logger.warning("%s %s was made for a stack that has it not: deleted", kind, name)
                try:
                    sagemaker.call(scope, f"Delete{kind}", {f"{kind}Name": name})
                except AwsError as error:
                    logger.error("%s %s could not be deleted: %s", kind, name, error)


def _made(
    scope: Scope, sagemaker: SageMaker, kind: str, plural: str, since: float
) -> list[tuple[str, str]]:
    """The ARN and the name of every resource of a kind that was made since then."""
    found: list[tuple[str, str]] = []
    request: dict[str, Any] = {"MaxResults": 100, "CreationTimeAfter": since}
    while True:
        page = sagemaker.call(scope, f"List{plural}", request)
        found += [(item[f"{kind}Arn"], item[f"{kind}Name"]) for item in page[plural]]
        if not page.get("NextToken"):
            return found
        request["NextToken"] = page["NextToken"]

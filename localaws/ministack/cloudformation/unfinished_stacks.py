"""DescribeStacks of one stack that is changing answers when it has changed, or after a moment."""

import re
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from ministack.services import cloudformation

from localaws.ministack import patches
from localaws.patience import patiently

_UNDER_WAY = re.compile(rb"<StackStatus>(?!REVIEW_)[A-Z_]+_IN_PROGRESS<")

Answer = tuple[int, dict[str, str], Any]
Handler = Callable[..., Coroutine[Any, Any, Answer]]


def install() -> None:
    """Put it in the place of MiniStack's handler."""
    patches.replace(cloudformation, "handle_request", waiting_for)


def waiting_for(handle: Handler) -> Handler:
    """What answers CloudFormation's requests, with a little patience for unfinished stacks."""

    async def answered(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]
    ) -> Answer:
        is_of_one_stack = _is_of_one_stack(headers, body)
        return await patiently(
            lambda: handle(method, path, headers, body, query),
            lambda answer: is_of_one_stack and _is_under_way(answer),
        )

    return answered


def _is_of_one_stack(headers: Mapping[str, str], body: bytes) -> bool:
    action = headers.get("x-amz-target", "").encode() + body
    return b"DescribeStacks" in action and b"StackName" in body


def _is_under_way(answer: Answer) -> bool:
    content = answer[2]
    text = content if isinstance(content, bytes) else str(content).encode()
    return _UNDER_WAY.search(text) is not None

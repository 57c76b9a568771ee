"""Who asks for a stack that is changing is answered when it has changed, or after a moment.

The cdk CLI looks at a stack at once and then every five seconds, and most stacks take less than one
here: with an answer that waits a little, each deployment and deletion ends five seconds earlier.
"""

import asyncio
import re
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from ministack.services import cloudformation

from localaws.ministack import patches

WAIT_SECONDS = 2.0
LOOK_SECONDS = 0.05
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
        until = time.monotonic() + WAIT_SECONDS
        answer = await handle(method, path, headers, body, query)
        while (
            _is_of_one_stack(headers, body) and _is_under_way(answer) and time.monotonic() < until
        ):
            await asyncio.sleep(LOOK_SECONDS)
            answer = await handle(method, path, headers, body, query)
        return answer

    return answered


def _is_of_one_stack(headers: Mapping[str, str], body: bytes) -> bool:
    action = headers.get("x-amz-target", "").encode() + body
    return b"DescribeStacks" in action and b"StackName" in body


def _is_under_way(answer: Answer) -> bool:
    content = answer[2]
    text = content if isinstance(content, bytes) else str(content).encode()
    return _UNDER_WAY.search(text) is not None

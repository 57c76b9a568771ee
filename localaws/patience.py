"""Who asks for something that is changing is answered when it has changed, or after a moment.

Clients look at once and then only some time later: the cdk CLI at a stack after five seconds, the
SageMaker SDK and boto3's waiters at an endpoint after thirty. Here most of it takes less than one.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

WAIT_SECONDS = 2.0
LOOK_SECONDS = 0.05

T = TypeVar("T")


async def patiently(ask: Callable[[], Awaitable[T]], is_under_way: Callable[[T], bool]) -> T:
    """The answer once nothing is under way any more, or the last one of some seconds."""
    until = time.monotonic() + WAIT_SECONDS
    answer = await ask()
    while is_under_way(answer) and time.monotonic() < until:
        await asyncio.sleep(LOOK_SECONDS)
        answer = await ask()
    return answer

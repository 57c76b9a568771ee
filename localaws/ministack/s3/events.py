"""Events of objects, told by a few threads that stay.

MiniStack starts a thread for each, and waits until that runs: a quarter of what a put costs.
"""

import threading
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from queue import SimpleQueue
from typing import Any

from ministack.services import s3

from localaws.ministack import patches

TELLERS = 4
"""So that one who is slow to take an event does not keep all others from theirs."""


def install() -> None:
    """Put it in MiniStack's place."""
    waiting: SimpleQueue[Callable[[], None]] = SimpleQueue()
    for number in range(TELLERS):
        threading.Thread(
            target=_tell, args=(waiting,), name=f"s3-events-{number}", daemon=True
        ).start()
    patches.replace(s3, "_fire_s3_event_async", lambda _: partial(_fire, waiting))


def _fire(
    waiting: "SimpleQueue[Callable[[], None]]", bucket: str, key: str, name: str, **details: Any
) -> None:
    """Tell an event soon, in the account and region of the request."""
    if bucket not in s3._bucket_notifications:
        return
    details["sequencer"] = s3._next_event_sequencer(name)
    waiting.put(partial(copy_context().run, s3._fire_s3_event, bucket, key, name, **details))


def _tell(waiting: "SimpleQueue[Callable[[], None]]") -> None:
    while True:
        waiting.get()()  # it logs what goes wrong

"""Bounded concurrency and a steady pace for the invocations of one pass."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from threading import Event, Lock

from fleet.cache.invocation import Invocation, Request


class Turns:
    """Hands out requests in order, each with the moment (monotonic seconds) when it is due.

    There are at most ``per_second`` turns a second, or no limit when it is None. Turns that were
    missed because all callers were busy are not caught up with.
    """

    def __init__(self, requests: Sequence[Request], per_second: float | None) -> None:
        self._requests = iter(requests)
        self._interval = 1 / per_second if per_second else 0.0
        self._next_due = time.monotonic()
        self._lock = Lock()

    def take(self) -> tuple[Request, float] | None:
        """The next request and when it is due; None when all are taken."""
        with self._lock:
            request = next(self._requests, None)
            due = max(self._next_due, time.monotonic())
            self._next_due = due + self._interval
        return (request, due) if request else None


def run_requests(
    invoke: Callable[[Request, Event], Invocation],
    requests: Sequence[Request],
    *,
    concurrency: int,
    per_second: float | None = None,
    on_invocation: Callable[[Invocation], None] = lambda invocation: None,
) -> list[Invocation]:
    """Invoke for all requests in order, at most ``concurrency`` of them at the same time.

    ``invoke`` takes a request and an event that asks it to end early. Rows are answered in the
    order of the requests. When the caller is interrupted, no further invocation begins and those
    under way are waited for.
    """
    stop = Event()
    turns = Turns(requests, per_second)

    def work() -> list[Invocation]:
        rows: list[Invocation] = []
        while turn := turns.take():
            request, due = turn
            if stop.wait(max(0.0, due - time.monotonic())):
                break
            rows.append(invoke(request, stop))
            on_invocation(rows[-1])
        return rows

    workers = min(concurrency, len(requests))
    with ThreadPoolExecutor(max(1, workers), thread_name_prefix="invoke") as executor:
        try:
            futures = [executor.submit(work) for _ in range(workers)]
            rows = [row for future in as_completed(futures) for row in future.result()]
        finally:
            stop.set()
    return sorted(rows, key=lambda row: row.request.number)

"""The runner: order, bounded concurrency, pace, interruption."""

import threading
import time
from itertools import pairwise
from threading import Barrier, Event

import pytest

from fleet.cache.invocation import Invocation, Request
from fleet.cache.runner import Turns, run_requests

REQUESTS = [Request(n, 1, f"{n}.tar.gz") for n in range(1, 21)]


def answer(request: Request, stop: Event) -> Invocation:
    return Invocation(request, started=0.0, latency=0.001)


def test_rows_come_in_the_order_of_the_requests() -> None:
    rows = run_requests(answer, REQUESTS, concurrency=5)
    assert [row.request for row in rows] == REQUESTS


def test_as_many_requests_run_at_a_time_as_are_allowed() -> None:
    together = Barrier(4, timeout=10)

    def invoke(request: Request, stop: Event) -> Invocation:
        together.wait()  # raises unless four get here at the same time
        return answer(request, stop)

    assert len(run_requests(invoke, REQUESTS, concurrency=4)) == 20


def test_no_more_requests_run_at_a_time_than_are_allowed() -> None:
    running, most, lock = 0, 0, threading.Lock()

    def invoke(request: Request, stop: Event) -> Invocation:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.002)
        with lock:
            running -= 1
        return answer(request, stop)

    run_requests(invoke, REQUESTS, concurrency=3)
    assert most <= 3


def test_every_row_is_reported_when_it_is_done() -> None:
    seen: list[Invocation] = []
    rows = run_requests(answer, REQUESTS, concurrency=4, on_invocation=seen.append)
    assert sorted(row.request.number for row in seen) == [row.request.number for row in rows]


def test_nothing_to_invoke_is_no_error() -> None:
    assert run_requests(answer, [], concurrency=4) == []


def test_turns_are_at_least_the_pace_apart() -> None:
    turns = Turns(REQUESTS, per_second=50)
    due = [turn[1] for _ in REQUESTS if (turn := turns.take())]
    assert all(b - a >= 1 / 50 - 1e-9 for a, b in pairwise(due))


def test_turns_end_with_the_requests() -> None:
    turns = Turns(REQUESTS[:1], per_second=None)
    assert turns.take() is not None
    assert turns.take() is None


def test_an_interruption_begins_no_further_request() -> None:
    invoked: list[int] = []

    def invoke(request: Request, stop: Event) -> Invocation:
        invoked.append(request.number)
        if request.number == 3:
            raise KeyboardInterrupt
        return answer(request, stop)

    with pytest.raises(KeyboardInterrupt):
        run_requests(invoke, REQUESTS, concurrency=1)
    assert invoked == [1, 2, 3]

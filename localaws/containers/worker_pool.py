"""The processes that answer for one model: as many as are needed, none that is dead or stuck."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable

from localaws.containers.contract import ContainerRequest, ContainerResponse, LogSink
from localaws.containers.process_host import ProcessHost
from localaws.containers.worker import Call, Worker, WorkerOwner, frame_of, how_it_ended

BUSY_SECONDS = 0.02
"""Requests that take longer let another process start, if others wait."""
CHECK_SECONDS = 0.5

Start = Callable[[WorkerOwner], Worker]
"""Starts a worker for its owner."""


class WorkerPool(WorkerOwner):
    """Workers of one model, the first of which runs already.

    Each process answers one request at a time. While all of them are at requests that take long,
    and others wait, one more is started, up to the limit. All methods but ``start`` and ``close``
    belong to the event loop.
    """

    def __init__(
        self,
        host: ProcessHost,
        start: Start,
        *,
        limit: int,
        timeout_seconds: float,
        log: LogSink,
    ) -> None:
        self._host = host
        self._start = start
        self._limit = limit
        self._timeout_seconds = timeout_seconds
        self._log = log
        self._workers: list[Worker] = []
        self._starting = 0
        self._waiting: deque[Call] = deque()
        self._check: asyncio.TimerHandle | None = None
        self._growth: asyncio.TimerHandle | None = None
        self._closed = False

    def start(self) -> None:
        """Start the first worker; not on the event loop. Raises what ``Start`` does."""
        self._workers.append(self._start(self))

    def submit(self, request: ContainerRequest) -> "asyncio.Future[ContainerResponse]":
        """Ask; the future raises ``TimeoutError`` when the answer takes too long."""
        deadline = time.monotonic() + self._timeout_seconds
        call = Call(frame_of(request), self._host.loop.create_future(), deadline)
        self._give(call)
        if self._check is None:
            self._check = self._host.loop.call_later(CHECK_SECONDS, self._look_after)
        return call.answer

    def close(self) -> None:
        """End all processes; from any thread."""
        self._closed = True
        for worker in list(self._workers):
            worker.process.kill()
        self._host.loop.call_soon_threadsafe(self._drop_all)

    def note_answer(self, worker: Worker) -> None:
        """A worker has room again: the oldest of those that wait is next."""
        while self._waiting and worker.call is None:
            call = self._waiting.popleft()
            if not call.answer.done():
                worker.send(call)

    def _give(self, call: Call) -> None:
        for worker in self._workers:
            if worker.call is None:
                worker.send(call)
                return
        self._waiting.append(call)
        if not self._workers:
            self._grow()
        elif self._growth is None and len(self._workers) < self._limit:
            self._growth = self._host.loop.call_later(BUSY_SECONDS, self._grow_if_busy)

    def _grow_if_busy(self) -> None:
        self._growth = None
        if self._waiting and all(worker.busy_seconds > BUSY_SECONDS for worker in self._workers):
            self._grow()
        elif self._waiting:
            self._growth = self._host.loop.call_later(BUSY_SECONDS, self._grow_if_busy)

    def _grow(self) -> None:
        if self._closed or self._starting or len(self._workers) >= self._limit:
            return
        self._starting += 1
        future = self._host.loop.run_in_executor(self._host.threads, self._start, self)
        future.add_done_callback(self._welcome)

    def _welcome(self, started: "asyncio.Future[Worker]") -> None:
        self._starting -= 1
        if started.cancelled():
            return
        if (error := started.exception()) is not None:
            self._log(f"a process of the container did not start: {error}")
            if not self._workers:
                self._fail(self._take_waiting(), f"the container did not start again: {error}")
            return
        worker = started.result()
        if self._closed:
            worker.close()
            return
        self._workers.append(worker)
        self._give_waiting()
        if self._waiting:
            self._grow_if_busy()

    def note_end(self, worker: Worker) -> None:
        """A worker ended: the request that it was at has failed."""
        if worker not in self._workers:
            return
        self._workers.remove(worker)
        self._host.loop.create_task(self._bury(worker))

    async def _bury(self, worker: Worker) -> None:
        how = await self._host.loop.run_in_executor(
            self._host.threads, how_it_ended, worker.process
        )
        worker.close()
        reason = f"a process of the container ended: {how}"
        if self._closed:
            reason = "the container was stopped"
        else:
            self._log(reason)
            self._grow()
        if worker.call is not None:
            self._fail([worker.call], reason)
        self._give_waiting()

    def _look_after(self) -> None:
        """Give up on requests that take too long, and on the workers that are at them."""
        self._check = None
        now = time.monotonic()
        asked = (worker.call for worker in self._workers if worker.call is not None)
        for call in [*self._waiting, *asked]:
            if now > call.deadline and not call.answer.done():
                call.answer.set_exception(TimeoutError())
        for worker in list(self._workers):
            if worker.busy_seconds > self._timeout_seconds:
                self._replace(worker)
        self._give_waiting()
        if self._waiting or any(worker.call is not None for worker in self._workers):
            self._check = self._host.loop.call_later(CHECK_SECONDS, self._look_after)

    def _replace(self, worker: Worker) -> None:
        """End a worker that does not come back from its request."""
        seconds = f"{self._timeout_seconds:g}"
        self._log(f"no answer within {seconds} s; the process that was asked is replaced")
        self._workers.remove(worker)
        worker.close()
        self._grow()

    def _give_waiting(self) -> None:
        """As many as there are free workers."""
        for worker in self._workers:
            self.note_answer(worker)

    def _take_waiting(self) -> list[Call]:
        waiting = [call for call in self._waiting if not call.answer.done()]
        self._waiting.clear()
        return waiting

    def _fail(self, calls: Iterable[Call], reason: str) -> None:
        for call in calls:
            if not call.answer.done():
                call.answer.set_result(ContainerResponse(reason.encode(), "text/plain", 500))

    def _drop_all(self) -> None:
        for worker in list(self._workers):
            worker.close()
        self._fail(self._take_waiting(), "the container was stopped")

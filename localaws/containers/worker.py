"""One process of a container: its socket, its log, its end."""

import asyncio
import os
import signal
import socket
import sys
import time
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from localaws.containers.contract import (
    LINE_BYTES,
    LOG_BYTES_A_SECOND,
    ContainerRequest,
    ContainerResponse,
    ContainerStartError,
    LogSink,
    ModelLoadError,
)
from localaws.containers.process_host import ProcessHost
from localaws.containers.python_environment import PACKAGES
from localaws.processes.client import Process
from localaws.processes.launch import Launch

if str(PACKAGES) not in sys.path:  # What runs inside of the container is not on our path.
    sys.path.append(str(PACKAGES))
from sagemaker_sklearn_container.frames import Answer, Reader, Request

MAXIMUM_LINE = 1 << 16
"""A longer line becomes several."""


@dataclass(slots=True)
class Call:
    """A request, given up at ``deadline``; ``sent`` is when its worker began with it."""

    frame: bytes
    answer: asyncio.Future[ContainerResponse]
    deadline: float
    sent: float = 0.0


class WorkerOwner(Protocol):
    """What a worker works for."""

    def note_answer(self, worker: "Worker") -> None:
        """It can be asked for more."""

    def note_end(self, worker: "Worker") -> None:
        """Its process has ended, or its connection has."""


class Worker(asyncio.Protocol):
    """A process that has loaded its model, and the request that it is at.

    Its owner is told, on the event loop, when it has answered and when it has ended.
    """

    def __init__(self, process: Process, owner: "WorkerOwner") -> None:
        self.process = process
        self.call: Call | None = None
        self._owner = owner
        self._reader = Reader()
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)

    def send(self, call: Call) -> None:
        """Ask; the answer's future is set when it has come. It must be at no other request."""
        call.sent = time.monotonic()
        self.call = call
        self._transport.write(call.frame)

    def data_received(self, data: bytes) -> None:
        for frame in self._reader.feed(data):
            status, content_type, custom_attributes, body = Answer.unpack(*frame)
            call, self.call = self.call, None
            if call is not None and not call.answer.done():
                response = ContainerResponse(body, content_type, status, custom_attributes)
                call.answer.set_result(response)
            self._owner.note_answer(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._owner.note_end(self)

    @property
    def busy_seconds(self) -> float:
        """How long it has been at the request that it is at."""
        return time.monotonic() - self.call.sent if self.call is not None else 0.0

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self._transport.abort()


def frame_of(request: ContainerRequest) -> bytes:
    """A request as a worker reads it."""
    return Request(
        request.content_type, request.accept, request.custom_attributes, request.body
    ).pack()


def start_worker(
    host: ProcessHost,
    launch: Launch,
    log: LogSink,
    owner: WorkerOwner,
    seconds: float,
) -> Worker:
    """Start a process and wait until it has loaded its model; not on the event loop.

    Raises
    ------
    ModelLoadError
        When it cannot load it; the text says why.
    """
    ours, theirs = socket.socketpair()
    reader, writer = os.pipe()
    nothing = os.open(os.devnull, os.O_RDONLY)
    try:
        process = host.processes.starter.launch(launch, [nothing, writer, writer, theirs.fileno()])
    except BaseException:
        os.close(reader)
        ours.close()
        raise
    finally:
        os.close(nothing)
        os.close(writer)
        theirs.close()
    host.loop.call_soon_threadsafe(_read_log, host.loop, reader, log)
    try:
        _wait_until_loaded(ours, process, seconds)
        worker = Worker(process, owner)
        asyncio.run_coroutine_threadsafe(_connect(worker, ours), host.loop).result()
    except BaseException:
        process.kill()
        ours.close()
        raise
    return worker


def run_to_end(host: ProcessHost, launch: Launch, log: LogSink, seconds: float) -> int:
    """Run a program of a container until it ends; its exit code. Not on the event loop.

    Raises
    ------
    ContainerStartError
        When it takes longer.
    """
    reader, writer = os.pipe()
    nothing = os.open(os.devnull, os.O_RDONLY)
    try:
        process = host.processes.starter.launch(launch, [nothing, writer, writer])
    except BaseException:
        os.close(reader)
        raise
    finally:
        os.close(nothing)
        os.close(writer)
    host.loop.call_soon_threadsafe(_read_log, host.loop, reader, log)
    code = process.wait(seconds)
    if code is None:
        process.kill()
        raise ContainerStartError(f"{launch.command[-1]} was not ready within {seconds:.0f} s")
    return code


async def _connect(worker: Worker, connection: socket.socket) -> None:
    connection.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.create_unix_connection(lambda: worker, sock=connection)


def _wait_until_loaded(connection: socket.socket, process: Process, seconds: float) -> None:
    """Read the first answer of the process."""
    deadline = time.monotonic() + seconds
    reader = Reader()
    while True:
        connection.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            data = connection.recv(1 << 16)
        except TimeoutError:
            raise ContainerStartError(f"it was not ready within {seconds:.0f} s") from None
        if not data:
            raise ModelLoadError(f"its process ended: {how_it_ended(process)}")
        for frame in reader.feed(data):
            answer = Answer.unpack(*frame)
            if answer.status != 200:
                raise ModelLoadError(answer.body.decode("utf-8", "replace"))
            connection.settimeout(None)
            return


def how_it_ended(process: Process) -> str:
    """For people: ``exit code 1``, or the signal."""
    code = process.wait(2.0)
    if code is None:
        return "it closed its connection"
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {-code} ({signal.Signals(-code).name})"
    except ValueError:
        return f"signal {-code}"


def _read_log(loop: asyncio.AbstractEventLoop, descriptor: int, log: LogSink) -> None:
    loop.create_task(connect_log(loop, PipeEnd(descriptor, loop), log))


async def connect_log(loop: asyncio.AbstractEventLoop, pipe: Any, log: LogSink) -> None:
    """Read a container's lines until it closes its end."""
    await loop.connect_read_pipe(lambda: LogPipe(loop, log), pipe)


class PipeEnd:
    """The end of a pipe that an event loop reads, and that is closed once.

    uvloop closes the descriptor and then the file that it came with; by then another thread may
    have opened a file of its own that has the same number.
    """

    def __init__(self, descriptor: int, loop: asyncio.AbstractEventLoop) -> None:
        self._descriptor = descriptor
        self._is_closed_by_loop = type(loop).__module__.startswith("uvloop")

    def fileno(self) -> int:
        """The descriptor."""
        return self._descriptor

    def close(self) -> None:
        """Close it, unless the loop does."""
        if not self._is_closed_by_loop:
            os.close(self._descriptor)


@dataclass
class LogPipe(asyncio.Protocol):
    """What a container prints, in lines.

    A container that prints more than a mebibyte a second waits at its next ``print``.
    """

    loop: asyncio.AbstractEventLoop
    log: LogSink
    rest: bytes = b""
    budget: int = LOG_BYTES_A_SECOND
    transport: asyncio.ReadTransport | None = field(default=None, init=False)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.ReadTransport, transport)

    def data_received(self, data: bytes) -> None:
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self._write(line)
        if len(self.rest) > MAXIMUM_LINE:
            self._write(self.rest)
            self.rest = b""
        self.budget -= len(data) + LINE_BYTES * len(lines)
        if self.budget <= 0 and self.transport is not None:
            self.transport.pause_reading()
            self.loop.call_later(1.0, self._go_on)

    def eof_received(self) -> None:
        if self.rest:
            self._write(self.rest)
            self.rest = b""

    def _write(self, line: bytes) -> None:
        self.log(line.decode("utf-8", "replace").rstrip("\r"))

    def _go_on(self) -> None:
        self.budget = LOG_BYTES_A_SECOND
        if self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()

"""The process that starts all others: it imports the large packages once and forks.

A fork of it is ready in milliseconds, where a new interpreter with NumPy, pandas and scikit-learn
takes more than a second. It has one thread and runs no user code itself. Whoever holds the other
end of one of its sockets is a client; when that end closes, all that was started for it is killed.

Messages are JSON behind their length; descriptors travel beside them.

    {"launch": 7, …}            start a process           answered {"launched": 7, "process": 4711}
    {"connect": 8}              a client more, whose socket is the descriptor
    {"kill": 4711, "signal": 9}
                                told when one ended       {"ended": 4711, "status": 0}
"""

import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import struct
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localaws.processes import isolation
from localaws.processes.launch import Launch, become

LENGTH = struct.Struct("<I")
MAXIMUM_DESCRIPTORS = 16
END_SECONDS = 2.0

PRELOADED = (
    "numpy",
    "localaws.containers.linear_learner_training",
    "joblib",
    "sklearn.preprocessing",
    "sklearn.compose",
    "sklearn.pipeline",
    "sklearn.impute",
    "sklearn.linear_model",
    "pandas",
    "localaws.jobs.transform.worker",
    "sklearn.ensemble",
    "sklearn.model_selection",
)


def send(connection: socket.socket, message: Any, descriptors: Sequence[int] = ()) -> None:
    """Send a message whole."""
    body = json.dumps(message).encode()
    head = LENGTH.pack(len(body))
    if descriptors:
        socket.send_fds(connection, [head], list(descriptors))
        connection.sendall(body)
    else:
        connection.sendall(head + body)


def receive(connection: socket.socket) -> tuple[Any, list[int]] | None:
    """The next message and its descriptors; None when the other end is closed."""
    try:
        head, descriptors, _, _ = socket.recv_fds(connection, LENGTH.size, MAXIMUM_DESCRIPTORS)
        if not head:
            return None
        head += _read(connection, LENGTH.size - len(head))
        return json.loads(_read(connection, LENGTH.unpack(head)[0])), descriptors
    except (ConnectionError, EOFError):
        return None


def _read(connection: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise EOFError
        data += part
    return bytes(data)


@dataclass(eq=False)
class Client:
    """Somebody for whom processes run."""

    connection: socket.socket
    processes: set[int] = field(default_factory=set)


class ForkServer:
    """Serves its clients until the first of them is gone."""

    def __init__(self, connection: socket.socket) -> None:
        self._namespace = isolation.namespace_of("self")
        self._alone = isolation.has_process_namespaces()
        self._selector = selectors.DefaultSelector()
        self._first = Client(connection)
        self._add(self._first)
        reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        self._selector.register(reader, selectors.EVENT_READ, None)

    def run(self) -> None:
        """Import what is large, serving meanwhile, then serve."""
        for name in PRELOADED:
            self._serve(timeout=0)
            importlib.import_module(name)
        gc.collect()
        gc.freeze()
        while True:
            self._serve(timeout=None)

    def _serve(self, timeout: float | None) -> None:
        for key, _ in self._selector.select(timeout):
            if key.data is None:
                os.read(key.fd, 4096)
                self._note_ends()
            else:
                self._answer(key.data)

    def _answer(self, client: Client) -> None:
        received = receive(client.connection)
        if received is None:
            self._remove(client)
            return
        message, descriptors = received
        try:
            if "launch" in message:
                self._launch(client, message, descriptors)
            elif "connect" in message:
                self._add(Client(socket.socket(fileno=os.dup(descriptors[0]))))
            elif message["kill"] in client.processes:
                _signal_group(message["kill"], message["signal"])
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _launch(self, client: Client, message: dict[str, Any], descriptors: list[int]) -> None:
        child = os.fork()
        if child == 0:
            become(Launch(**message["with"]), descriptors, alone=self._alone)
        with contextlib.suppress(OSError):
            os.setpgid(child, child)  # Here as well: whichever of the two comes first.
        client.processes.add(child)
        _tell(client, {"launched": message["launch"], "process": child})

    def _note_ends(self) -> None:
        while (ended := _reap()) is not None:
            process, status = ended
            for client in self._clients():
                if process in client.processes:
                    client.processes.remove(process)
                    _signal_group(process, signal.SIGKILL)
                    _tell(client, {"ended": process, "status": status})
        self._end_orphans()

    def _end_orphans(self) -> None:
        """Kill what outlives its container, even in a session of its own.

        Such a process is our child now, and has the mount namespace of no process that runs for a
        client. (Without namespaces it cannot be told whose it is, and stays.)
        """
        running = {process for client in self._clients() for process in client.processes}
        orphans = [process for process in _children() if process not in running]
        if not orphans:
            return
        alive = {isolation.namespace_of(process) for process in running}
        for orphan in orphans:
            if isolation.namespace_of(orphan) not in {*alive, self._namespace, ""}:
                _signal(orphan, signal.SIGKILL)

    def _clients(self) -> list[Client]:
        return [key.data for key in self._selector.get_map().values() if key.data is not None]

    def _add(self, client: Client) -> None:
        self._selector.register(client.connection, selectors.EVENT_READ, client)

    def _remove(self, client: Client) -> None:
        for process in client.processes:
            _signal_group(process, signal.SIGKILL)
        self._selector.unregister(client.connection)
        client.connection.close()
        if client is self._first:
            _end_everything()
            sys.exit(0)


def _end_everything() -> None:
    """Kill all children, and their children when they become ours."""
    deadline = time.monotonic() + END_SECONDS
    while (children := _children()) and time.monotonic() < deadline:
        for child in children:
            _signal(child, signal.SIGKILL)
        while _reap() is not None:
            pass
        time.sleep(0.002)


def _reap() -> tuple[int, int] | None:
    """A child that has ended, and how: its exit code, or the signal's number below zero."""
    try:
        process, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    return (process, os.waitstatus_to_exitcode(status)) if process else None


def _children() -> list[int]:
    try:
        text = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    except OSError:
        return []
    return [int(child) for child in text.split()]


def _signal(process: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(process, number)


def _signal_group(process: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process, number)


def _tell(client: Client, message: Any) -> None:
    with contextlib.suppress(OSError):
        send(client.connection, message)


def main(descriptor: int) -> None:
    """Serve the client whose socket has this descriptor."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for localaws, which ends us.
    isolation.adopt_orphans()
    ForkServer(socket.socket(fileno=descriptor)).run()


if __name__ == "__main__":
    main(int(sys.argv[1]))

"""Starts processes through the fork server, from any thread."""

import contextlib
import itertools
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence

from localaws.processes import fork_server, isolation
from localaws.processes.fork_server import receive, send
from localaws.processes.launch import Launch

logger = logging.getLogger(__name__)


class ForkServerError(Exception):
    """The process that starts others has ended."""


class Process:
    """A process that was started; its number is known as soon as the fork server answers."""

    def __init__(self, starter: "ProcessStarter") -> None:
        self._starter = starter
        self._ended = threading.Event()
        self._watchers: list[Callable[[int], None]] = []
        self.id = 0
        self.code: int | None = None
        """The exit code, or below zero the number of the signal that ended it."""

    def wait(self, timeout: float | None = None) -> int | None:
        """How it ended, or None when it still runs after so many seconds."""
        self._ended.wait(timeout)
        return self.code

    def terminate(self) -> None:
        """Ask it and what it started to end."""
        self._starter.signal(self, signal.SIGTERM)

    def kill(self) -> None:
        """End it and what it started, now."""
        self._starter.signal(self, signal.SIGKILL)

    def note_end(self, code: int) -> None:
        """Called once, when it has ended."""
        self.code = code
        self._ended.set()


class ProcessStarter:
    """One connection to a fork server.

    Processes end with the connection: when this process ends, however it does, they do too.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._sending = threading.Lock()
        self._numbers = itertools.count(1)
        self._launching: dict[int, tuple[Process, threading.Event]] = {}
        self._running: dict[int, Process] = {}
        self.closed = False
        threading.Thread(target=self._read, daemon=True, name="processes").start()

    @classmethod
    def start(cls) -> "ProcessStarter":
        """Start a fork server of our own."""
        ours, theirs = socket.socketpair()
        with theirs:
            subprocess.Popen(
                [sys.executable, "-m", fork_server.__name__, str(theirs.fileno())],
                cwd=os.sep,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                process_group=0,
            )
        return cls(ours)

    def launch(self, launch: Launch, descriptors: Sequence[int]) -> Process:
        """Start a process; its descriptors 0, 1, 2 and so on are copies of the given ones.

        Raises
        ------
        ForkServerError
            When there is no fork server any more.
        """
        process, answered = Process(self), threading.Event()
        number = next(self._numbers)
        self._launching[number] = (process, answered)
        try:
            self._send({"launch": number, "with": launch.to_json()}, descriptors)
        except OSError as error:
            raise ForkServerError(f"no process can be started: {error}") from error
        answered.wait()
        if not process.id:
            raise ForkServerError("no process can be started: the fork server has ended")
        return process

    def connection(self) -> socket.socket:
        """A connection for somebody else, a process of ours say."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._send({"connect": 0}, [theirs.fileno()])
        return ours

    def signal(self, process: Process, number: int) -> None:
        """Send a signal to a process and what it started, if it still runs."""
        if process.code is None:
            with contextlib.suppress(OSError):
                self._send({"kill": process.id, "signal": int(number)})

    def close(self) -> None:
        """End all processes of this connection."""
        self.closed = True
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def _send(self, message: dict[str, object], descriptors: Sequence[int] = ()) -> None:
        with self._sending:
            send(self._connection, message, descriptors)

    def _read(self) -> None:
        while (received := receive(self._connection)) is not None:
            message, _ = received
            if "launched" in message:
                process, answered = self._launching.pop(message["launched"])
                process.id = message["process"]
                self._running[process.id] = process
                answered.set()
            else:
                self._running.pop(message["ended"]).note_end(message["status"])
        self._lose()

    def _lose(self) -> None:
        """The fork server is gone, and with it everything that it started."""
        if not self.closed:
            logger.error("the process that starts containers has ended; they ended with it")
        self.closed = True
        for _, answered in self._launching.values():
            answered.set()
        for process in self._running.values():
            process.note_end(-signal.SIGKILL)


class Processes:
    """A ``ProcessStarter``, made at first use and again where it was lost.

    ``hint`` says why containers do not see /opt/ml, and is empty where they do.
    """

    def __init__(self, starter: ProcessStarter | None = None, hint: str | None = None) -> None:
        self._lock = threading.Lock()
        self._starter = starter
        self._closed = False
        self._hint = hint

    @property
    def starter(self) -> ProcessStarter:
        """Raises ``ForkServerError`` once this is closed."""
        with self._lock:
            if self._closed:
                raise ForkServerError("localaws stops: no process is started any more")
            if self._starter is None or self._starter.closed:
                self._starter = ProcessStarter.start()
            return self._starter

    @property
    def hint(self) -> str:
        if self._hint is None:
            self._hint = _probe()
        return self._hint

    def warm_up(self) -> None:
        """Do now what the first use would wait for."""
        self.starter  # noqa: B018
        self.hint  # noqa: B018

    def close(self) -> None:
        """End all processes."""
        with self._lock:
            self._closed = True
            if self._starter is not None:
                self._starter.close()


def _probe() -> str:
    """Ask the kernel in a process of its own: forking this one, with its threads, is unsafe."""
    code = f"from {isolation.__name__} import probe; print(probe())"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=os.sep, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else done.stderr.strip()


def _environment() -> dict[str, str]:
    """What the fork server gets of our variables: nothing that could hold a secret."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV")
    threads = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    return {**{name: os.environ[name] for name in kept if name in os.environ}, **threads}

"""How a running job is asked to end."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from localaws.containers.contract import Exit, Program, base_environment


class JobAbortedError(Exception):
    """The service ends while the job runs."""


class StopSignal:
    """Asks a job to end: in its own time (a Stop call), or at once (the service ends)."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._abort = threading.Event()

    def stop(self) -> None:
        """End early, keeping what there is so far."""
        self._stop.set()

    def abort(self) -> None:
        """End now; nothing is kept."""
        self._abort.set()
        self._stop.set()

    @property
    def stopped(self) -> bool:
        """Whether the job is to end, in either way.

        Raises ``JobAbortedError`` when it is to end at once.
        """
        if self._abort.is_set():
            raise JobAbortedError
        return self._stop.is_set()


DRAIN_SECONDS = 2.0
"""A child that a program left behind may hold its output open for ever; it is not waited for."""

LAST_LINES = 50
MAXIMUM_LINE = 2**18
"""A longer line becomes several: CloudWatch Logs takes events of at most 1 MB
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html), and a
character may take four bytes."""
NICENESS = 15
"""Serving and its clients come first; on busy cores a job still gets a few hundredths of one."""

LineSink = Callable[[str], None]


class Cores:
    """Hands out processor cores, so that no more processes run than there are cores.

    A job that wants more than there are gets all of them: its hosts may wait for each other, and
    must all run.
    """

    def __init__(self, count: int) -> None:
        self._count = max(1, count)
        self._free = self._count
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, wanted: int, stop: StopSignal) -> Iterator[bool]:
        """Wait for cores and hold them; yields False when the job was stopped first."""
        number = min(wanted, self._count)
        with self._changed:
            while not (stopped := stop.stopped) and self._free < number:
                self._changed.wait(timeout=0.2)
            held = 0 if stopped else number
            self._free -= held
        try:
            yield held > 0
        finally:
            with self._changed:
                self._free += held
                self._changed.notify_all()


class RunningProgram:
    """A started program; every line that it writes goes to a sink."""

    def __init__(self, program: Program, write_line: LineSink) -> None:
        self._last_lines: deque[str] = deque(maxlen=LAST_LINES)
        self._write_line = write_line
        self._process = subprocess.Popen(
            [*_end_with_parent(), *program.arguments],
            cwd=program.directory,
            env={**base_environment(), **program.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        _lower_priority(self._process.pid)
        self._reader = threading.Thread(
            target=self._read, args=(self._process.stdout,), daemon=True
        )
        self._reader.start()

    def _read(self, output: IO[str]) -> None:
        for line in iter(lambda: output.readline(MAXIMUM_LINE), ""):
            text = line.rstrip("\r\n")
            self._last_lines.append(text)
            self._write_line(text)

    def wait(self, timeout: float) -> Exit | None:
        """The exit, or None when the program still runs after ``timeout`` seconds."""
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        self._reader.join(DRAIN_SECONDS)
        return Exit(code if code >= 0 else 128 - code, "\n".join(self._last_lines))

    def terminate(self) -> None:
        """Ask the program and its children to end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the program and its children, now."""
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._reader.join(DRAIN_SECONDS)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


def _lower_priority(process_id: int) -> None:
    """Give a process and its session what other processes leave over.

    Linux shares a core between sessions first, and niceness counts only within one: the session has
    a niceness of its own (https://man7.org/linux/man-pages/man7/sched.7.html, "The autogroup
    feature").
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.setpriority(os.PRIO_PROCESS, process_id, NICENESS)
    with contextlib.suppress(OSError):
        Path(f"/proc/{process_id}/autogroup").write_text(str(NICENESS))


def _end_with_parent() -> list[str]:
    """A prefix that ends the program when this process dies, where the system offers one."""
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []

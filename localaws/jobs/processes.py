"""How a running job is asked to end."""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import IO

from localaws.containers.contract import LINE_BYTES, LOG_BYTES_A_SECOND, Exit, Program
from localaws.processes.client import ProcessStarter


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

        Raises
        ------
        JobAbortedError
            When it is to end at once.
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
NICENESS = 5
"""Serving and its clients come first, within the session of localaws; other sessions, the user's
editor say, share the cores with localaws as a whole
(https://man7.org/linux/man-pages/man7/sched.7.html, "The autogroup feature")."""

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
    """A started program; every line that it writes goes to a sink, so much a second."""

    def __init__(self, program: Program, write_line: LineSink, starter: ProcessStarter) -> None:
        self._last_lines: deque[str] = deque(maxlen=LAST_LINES)
        self._write_line = write_line
        reader, writer = os.pipe()
        nothing = os.open(os.devnull, os.O_RDONLY)
        try:
            launch = replace(program.launch, niceness=NICENESS)
            self._process = starter.launch(launch, [nothing, writer, writer, *program.descriptors])
        except BaseException:
            os.close(reader)
            raise
        finally:
            os.close(nothing)
            os.close(writer)
        output = os.fdopen(reader, encoding="utf-8", errors="replace", newline="")
        self._reader = threading.Thread(target=self._read, args=(output,), daemon=True)
        self._reader.start()

    def _read(self, output: IO[str]) -> None:
        budget, until = LOG_BYTES_A_SECOND, time.monotonic() + 1.0
        with output:
            for line in iter(lambda: output.readline(MAXIMUM_LINE), ""):
                text = line.rstrip("\r\n")
                self._last_lines.append(text)
                self._write_line(text)
                budget -= len(line) + LINE_BYTES
                if budget <= 0:
                    time.sleep(max(0.0, until - time.monotonic()))
                    budget, until = LOG_BYTES_A_SECOND, time.monotonic() + 1.0

    def wait(self, timeout: float) -> Exit | None:
        """The exit, or None when the program still runs after ``timeout`` seconds."""
        code = self._process.wait(timeout)
        if code is None:
            return None
        self._reader.join(DRAIN_SECONDS)
        return Exit(code if code >= 0 else 128 - code, "\n".join(self._last_lines))

    def terminate(self) -> None:
        """Ask the program and its children to end."""
        self._process.terminate()

    def kill(self) -> None:
        """End the program and its children, now."""
        self._process.kill()
        self._process.wait(DRAIN_SECONDS)
        self._reader.join(DRAIN_SECONDS)

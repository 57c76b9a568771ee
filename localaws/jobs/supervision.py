"""Watches the programs of a job until the last one ends."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from localaws.containers.contract import Exit
from localaws.jobs.processes import RunningProgram, StopSignal

STOP_GRACE_SECONDS = 120.0
"""SageMaker sends SIGTERM, and SIGKILL this much later (StopTrainingJob)."""

POLL_SECONDS = 0.05

COMPLETED = "Completed"
STOPPED = "Stopped"
MAX_RUNTIME_EXCEEDED = "MaxRuntimeExceeded"


@dataclass(frozen=True)
class Failure:
    """The program, by its number, that failed, and how."""

    index: int
    exit: Exit


@dataclass(frozen=True)
class Ending:
    """How a job's programs ended; ``status`` as in SecondaryStatus."""

    status: str
    failure: Failure | None = None


class Supervisor:
    """Waits for programs, ends them when it is asked to or their time is up.

    ``tick`` is called a few times a second meanwhile.
    """

    def __init__(
        self,
        programs: Sequence[RunningProgram],
        stop: StopSignal,
        max_runtime_seconds: float,
        tick: Callable[[], None],
    ) -> None:
        self._programs = programs
        self._stop = stop
        self._deadline = time.monotonic() + max_runtime_seconds
        self._tick = tick

    def wait(self) -> Ending:
        """Until all have ended well, one has failed, or they were ended.

         Programs may still run when this raises,
        or returns a failure.

        Raises
        ------
        JobAbortedError
            When the service ends.
        """
        running = dict(enumerate(self._programs))
        while running:
            if (status := self._asked_to_end()) is not None:
                return self._end(list(running.values()), status)
            for index, program in list(running.items()):
                ended = program.wait(POLL_SECONDS)
                if ended is not None and ended.code:
                    return Ending("Failed", Failure(index, ended))
                if ended is not None:
                    del running[index]
            self._tick()
        return Ending(COMPLETED)

    def _asked_to_end(self) -> str | None:
        if self._stop.stopped:
            return STOPPED
        return MAX_RUNTIME_EXCEEDED if time.monotonic() > self._deadline else None

    def _end(self, running: list[RunningProgram], status: str) -> Ending:
        kill_at = time.monotonic() + STOP_GRACE_SECONDS
        for program in running:
            program.terminate()
        while running and time.monotonic() < kill_at and self._asked_to_end():
            running = [program for program in running if program.wait(POLL_SECONDS) is None]
            self._tick()
        for program in running:
            program.kill()
        return Ending(status)

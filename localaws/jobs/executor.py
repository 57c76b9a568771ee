"""Runs jobs in the background, each on a thread of its own."""

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from localaws.jobs.processes import Cores, StopSignal
from localaws.processes.client import Processes

Work = Callable[[StopSignal], None]
"""Does a job's work and records how it ends; the signal asks it to end early."""


@dataclass(frozen=True, eq=False)
class RunningJob:
    """The thread of a job, and the way to end it."""

    thread: threading.Thread
    stop: StopSignal


class JobExecutor:
    """Starts jobs, stops them one at a time or all together.

    ``cores`` are what they share, ``processes`` what they run in.
    """

    def __init__(self, cores: Cores, processes: Processes) -> None:
        self.cores = cores
        self.processes = processes
        self._lock = threading.Lock()
        self._running: dict[Hashable, RunningJob] = {}
        self._closed = False

    def start(self, key: Hashable, work: Work) -> None:
        """Run ``work`` in the background; nothing starts any more once ``shut_down`` was called."""
        stop = StopSignal()
        thread = threading.Thread(target=work, args=(stop,), daemon=True)
        with self._lock:
            if self._closed:
                return
            self._forget_ended()
            self._running[key] = RunningJob(thread, stop)
            thread.start()

    def stop(self, key: Hashable) -> None:
        """Ask a job to end; nothing happens when it has ended."""
        with self._lock:
            if key in self._running:
                self._running[key].stop.stop()

    def shut_down(self) -> None:
        """End every job at once, and wait until they have."""
        with self._lock:
            self._closed = True
            running = list(self._running.values())
        for job in running:
            job.stop.abort()
        for job in running:
            job.thread.join()

    def _forget_ended(self) -> None:
        self._running = {key: job for key, job in self._running.items() if job.thread.is_alive()}

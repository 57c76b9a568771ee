"""Runs jobs in the background, each on a thread of its own."""

import threading
from collections.abc import Callable, Hashable

from localaws.jobs.processes import Cores
from localaws.jobs.stopping import StopSignal

Work = Callable[[StopSignal], None]
"""Does a job's work and records how it ends; the signal asks it to end early."""


class JobExecutor:
    """Starts jobs, stops them one at a time or all together; ``cores`` are what they share."""

    def __init__(self, cores: Cores) -> None:
        self.cores = cores
        self._lock = threading.Lock()
        self._running: dict[Hashable, tuple[threading.Thread, StopSignal]] = {}
        self._closed = False

    def start(self, key: Hashable, work: Work) -> None:
        """Run ``work`` in the background; nothing starts any more once ``shut_down`` was called."""
        stop = StopSignal()
        thread = threading.Thread(target=self._work, args=(key, work, stop), daemon=True)
        with self._lock:
            if self._closed:
                return
            self._running[key] = (thread, stop)
            thread.start()

    def _work(self, key: Hashable, work: Work, stop: StopSignal) -> None:
        try:
            work(stop)
        finally:
            with self._lock:
                del self._running[key]

    def stop(self, key: Hashable) -> None:
        """Ask a job to end; nothing happens when it has ended."""
        with self._lock:
            if key in self._running:
                self._running[key][1].stop()

    def shut_down(self) -> None:
        """End every job at once, and wait until they have."""
        with self._lock:
            self._closed = True
            running = list(self._running.values())
        for _, stop in running:
            stop.abort()
        for thread, _ in running:
            thread.join()

"""How a running job is asked to end."""

import threading


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

"""Calls something every second, on a thread of its own."""

import logging
import threading
import time
from collections.abc import Callable

logger = logging.getLogger(__name__)


class RegularFlush:
    """Calls ``flush`` on whole periods, and once more at the end.

    On whole seconds, so that metrics lag by one period of a second and never by two. A call that
    fails is logged and the next one made all the same.
    """

    def __init__(self, flush: Callable[[], None], seconds: float) -> None:
        self._flush = flush
        self._seconds = seconds
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="flush", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after a last call."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        self.now()

    def now(self) -> None:
        """Call it now, but never twice at a time."""
        with self._lock:
            self._flush()

    def _run(self) -> None:
        while not self._stopping.wait(self._seconds - time.time() % self._seconds):
            try:
                self.now()
            except Exception:
                logger.exception("metrics or log lines could not be published")

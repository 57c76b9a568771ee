"""Says in the log when the event loop stands still, and where."""

import asyncio
import logging
import sys
import threading
import time
import traceback

BEAT_SECONDS = 0.2
STALL_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Watchdog:
    """Looks at the loop that it is started on, from a thread of its own."""

    def __init__(self, stall_seconds: float = STALL_SECONDS) -> None:
        self._stall_seconds = stall_seconds
        self._beat_at = time.monotonic()
        self._stopping = threading.Event()
        self._beating: asyncio.Task[None] | None = None
        self._watched = 0

    def start(self) -> None:
        """Begin; call it on the loop."""
        self._watched = threading.get_ident()
        self._beat_at = time.monotonic()
        self._beating = asyncio.create_task(self._beat())
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """End."""
        self._stopping.set()
        if self._beating is not None:
            self._beating.cancel()

    async def _beat(self) -> None:
        while True:
            self._beat_at = time.monotonic()
            await asyncio.sleep(BEAT_SECONDS)

    def _watch(self) -> None:
        reported = 0.0
        while not self._stopping.wait(self._stall_seconds / 4):
            last = self._beat_at
            if time.monotonic() - last > self._stall_seconds + BEAT_SECONDS and last != reported:
                reported = last
                frame = sys._current_frames().get(self._watched)
                stack = "".join(traceback.format_stack(frame)) if frame else ""
                logger.warning(
                    "nobody is served: the event loop has stood still for %.1f s in\n%s",
                    time.monotonic() - last,
                    stack,
                )

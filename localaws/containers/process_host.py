"""Where containers' processes run: what starts them, and the event loop that talks to them."""

import asyncio
import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

from localaws.processes.client import ForkServerError, Processes

STARTING_THREADS = 8


class ProcessHost:
    """Shared by all containers of a localaws, or of one transform job.

    ``loop`` is the event loop on which requests are answered; ``threads`` start processes.
    """

    def __init__(self, processes: Processes | None = None) -> None:
        self.processes = processes or Processes()
        self.threads = ThreadPoolExecutor(STARTING_THREADS, "containers")
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            raise RuntimeError("no event loop was named: call use_loop or use_own_loop first")
        return self._loop

    def use_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Name the loop; before any container starts."""
        self._loop = loop

    def use_own_loop(self) -> None:
        """Run a loop on a thread, where there is none."""
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True, name="containers").start()

    def warm_up(self) -> None:
        """Start what starts processes: the first container then need not wait for its imports."""
        with contextlib.suppress(ForkServerError):
            self.processes.warm_up()

    def close(self) -> None:
        """End all processes."""
        self.processes.close()
        self.threads.shutdown(wait=False, cancel_futures=True)

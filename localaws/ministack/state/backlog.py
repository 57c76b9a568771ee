"""What changed and is not on disk yet: by whom, and for how long.

While saving keeps pace nobody waits for it. Right after the start, and once it is behind, because
other programs have the processors, say, an answer waits until what it tells is on disk; so a kill
takes no answer that is older than a moment.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping

BEHIND_SECONDS = 0.4
"""Older than this nothing stays in memory alone while changes are still answered at once."""
CAREFUL_SECONDS = 10.0
"""After saving was behind: who took the processors once will do so again. And after the start,
when modules are loaded beside it."""
MOST_WAIT_SECONDS = 10.0
"""Then a change is answered all the same, and the log says so."""

logger = logging.getLogger(__name__)

Waiter = tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]


class Backlog:
    """Changes by the name of what changed, saved in rounds; safe to use from any thread.

    Attributes
    ----------
    trouble : str
        Why the disk took nothing in the last round; empty when it did. Nobody waits for it then.
    hurry : Callable
        Asks for the next round at once, since somebody waits for it.
    """

    def __init__(
        self,
        most_wait_seconds: float = MOST_WAIT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.trouble = ""
        self.hurry: Callable[[], None] = lambda: None
        self._most_wait_seconds = most_wait_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._unsaved: dict[str, float] = {}
        """Since when, by name."""
        self._being_saved: dict[str, float] = {}
        self._began = clock()
        self._saved_until = clock()
        """Every change until then is on disk."""
        self._careful_until = clock() + CAREFUL_SECONDS
        self._waiting: list[Waiter] = []

    def add(self, names: Iterable[str]) -> None:
        """These changed now."""
        self._add(dict.fromkeys(names, self._clock()))

    def add_unseen(self, names: Iterable[str]) -> None:
        """These changed at some time since the last round began."""
        self._add(dict.fromkeys(names, self._began))

    def begin(self) -> Mapping[str, float]:
        """Take what is to be saved in a round, with the moments since when."""
        with self._lock:
            self._began = self._clock()
            self._being_saved, self._unsaved = self._unsaved, {}
        return self._being_saved

    def end(self, again: Mapping[str, float], trouble: str = "") -> None:
        """A round is over; ``again`` are those that changed too fast to be saved."""
        self._add(again)
        with self._lock:
            now = self._clock()
            if now - min(self._being_saved.values(), default=now) > BEHIND_SECONDS:
                self._careful_until = now + CAREFUL_SECONDS
            self._being_saved = {}
            self._saved_until = min((*again.values(), self._began))
            self.trouble = trouble
            waiting, self._waiting = self._waiting, []
        for loop, waiter in waiting:
            loop.call_soon_threadsafe(_wake, waiter)

    async def settle(self) -> None:
        """Return at once while saving keeps pace, else when all until now is on disk."""
        moment = self._clock()
        if not self._is_behind(moment):
            return
        try:
            async with asyncio.timeout(self._most_wait_seconds):
                while self._saved_until < moment and not self.trouble:
                    await self._round()
        except TimeoutError:
            logger.error(
                "a change was answered although it was not saved within %g seconds",
                self._most_wait_seconds,
            )

    def _is_behind(self, now: float) -> bool:
        with self._lock:
            oldest = min((*self._unsaved.values(), *self._being_saved.values(), now))
            return now < self._careful_until or now - oldest > BEHIND_SECONDS

    async def _round(self) -> None:
        """Until a round is over."""
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        with self._lock:
            self._waiting.append((loop, waiter))
        self.hurry()
        await waiter

    def _add(self, moments: Mapping[str, float]) -> None:
        with self._lock:
            for name, moment in moments.items():
                self._unsaved[name] = min(moment, self._unsaved.get(name, moment))


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():  # it may have given up
        waiter.set_result(None)

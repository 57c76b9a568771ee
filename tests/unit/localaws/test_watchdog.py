"""A loop that stands still is told of, with the place."""

import asyncio
import time

import pytest

from localaws.watchdog import Watchdog


def stand_still() -> None:
    time.sleep(1.0)


def test_a_stall_is_in_the_log_with_its_place(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        watchdog = Watchdog(stall_seconds=0.1)
        watchdog.start()
        await asyncio.sleep(0.05)
        stand_still()
        watchdog.stop()

    asyncio.run(run())
    assert "the event loop has stood still" in caplog.text
    assert "stand_still" in caplog.text

"""Answers wait for the disk when saving is behind, and only then."""

import asyncio
from dataclasses import dataclass

import pytest

from localaws.ministack.state.backlog import BEHIND_SECONDS, CAREFUL_SECONDS, Backlog

LATE = 1.1 * BEHIND_SECONDS


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def backlog(clock: Clock) -> Backlog:
    """Of a server that has run for a while."""
    backlog = Backlog(clock=clock)
    clock.now += 1.1 * CAREFUL_SECONDS
    backlog.begin()
    backlog.end({})
    return backlog


async def answer(backlog: Backlog) -> "asyncio.Task[None]":
    """A request that changed ``ssm``, up to where it is answered or waits."""
    backlog.add(["ssm"])
    answering = asyncio.create_task(backlog.settle())
    await look_around()
    return answering


async def look_around() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def save(backlog: Backlog, clock: Clock, seconds: float) -> None:
    backlog.begin()
    clock.now += seconds
    backlog.end({})
    await look_around()


def test_nobody_waits_while_saving_keeps_pace(backlog: Backlog, clock: Clock) -> None:
    async def run() -> None:
        for _ in range(10):
            assert (await answer(backlog)).done()
            clock.now += 0.8 * BEHIND_SECONDS
            await save(backlog, clock, 0.0)

    asyncio.run(run())


def test_right_after_the_start_each_answer_waits_for_its_own(clock: Clock) -> None:
    async def run() -> None:
        backlog = Backlog(clock=clock)
        clock.now += 0.1
        answering = await answer(backlog)
        assert not answering.done()
        await save(backlog, clock, 0.0)
        assert answering.done()

    asyncio.run(run())


def test_an_answer_waits_while_an_older_change_is_in_memory_alone(
    backlog: Backlog, clock: Clock
) -> None:
    async def run() -> None:
        backlog.add(["iam"])
        clock.now += LATE
        answering = await answer(backlog)
        assert not answering.done()
        await save(backlog, clock, 0.0)
        assert answering.done()

    asyncio.run(run())


def test_a_round_that_began_before_the_change_is_not_enough(backlog: Backlog, clock: Clock) -> None:
    async def run() -> None:
        backlog.add(["iam"])
        backlog.begin()
        clock.now += LATE
        answering = await answer(backlog)
        backlog.end({})
        await look_around()
        assert not answering.done()
        await save(backlog, clock, 0.0)
        assert answering.done()

    asyncio.run(run())


def test_for_a_while_after_a_slow_round_each_answer_waits_for_its_own(
    backlog: Backlog, clock: Clock
) -> None:
    async def run() -> None:
        backlog.add(["iam"])
        await save(backlog, clock, LATE)
        answering = await answer(backlog)
        assert not answering.done()
        await save(backlog, clock, 0.0)
        assert answering.done()
        clock.now += 1.1 * CAREFUL_SECONDS
        assert (await answer(backlog)).done()

    asyncio.run(run())


def test_who_waits_has_the_next_round_begin_at_once(backlog: Backlog, clock: Clock) -> None:
    async def run() -> None:
        asked: list[bool] = []
        backlog.hurry = lambda: asked.append(True)
        await answer(backlog)
        assert not asked
        clock.now += LATE
        answering = await answer(backlog)
        assert asked
        await save(backlog, clock, 0.0)
        assert answering.done()

    asyncio.run(run())


def test_what_changed_too_fast_to_be_saved_is_waited_for(backlog: Backlog, clock: Clock) -> None:
    async def run() -> None:
        backlog.add(["iam"])
        clock.now += LATE
        answering = await answer(backlog)
        backlog.end(backlog.begin())
        await look_around()
        assert not answering.done()
        await save(backlog, clock, 0.0)
        assert answering.done()

    asyncio.run(run())


def test_nobody_waits_for_a_disk_that_takes_nothing(backlog: Backlog, clock: Clock) -> None:
    async def run() -> None:
        backlog.add(["iam"])
        clock.now += LATE
        answering = await answer(backlog)
        backlog.end(backlog.begin(), trouble="ssm: the disk is full")
        await look_around()
        assert answering.done()
        assert backlog.trouble == "ssm: the disk is full"
        await save(backlog, clock, 0.0)
        assert not backlog.trouble

    asyncio.run(run())


def test_a_wait_ends_whatever_happens(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        backlog = Backlog(most_wait_seconds=0.01, clock=clock)
        backlog.add(["iam"])
        clock.now += LATE
        backlog.add(["ssm"])
        await backlog.settle()

    asyncio.run(run())
    assert "was answered although it was not saved" in caplog.text

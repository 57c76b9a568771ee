import asyncio
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localaws.errors import AwsError
from localaws.hosting.multi_model import MultiModelServer
from tests.unit.hosting.multi_model_server import (
    MODEL_FILE_BYTES,
    Models,
    call,
    call_all,
    run,
    until,
)


def test_concurrent_first_calls_load_a_model_once(models: Models) -> None:
    async def scenario() -> list[str]:
        server = models.serve()
        return await asyncio.gather(*(call(server, "a") for _ in range(20)))

    assert run(scenario()) == ["a"] * 20
    assert (models.backend.s3.reads, models.loaded) == (["models/a.tar.gz"], ["a"])


def test_a_model_that_loads_slowly_holds_up_no_other(models: Models) -> None:
    gate = models.gate("a")

    async def scenario() -> list[str]:
        server = models.serve()
        slow = asyncio.create_task(call(server, "a"))
        await until(lambda: models.loaded == ["a"])
        others = await call_all(server, "bcb")
        assert not slow.done()
        gate.set()
        return [*others, await slow]

    assert run(scenario()) == ["b", "c", "b", "a"]


def test_a_slow_load_answers_not_ready_and_goes_on(models: Models) -> None:
    gate = models.gate("a")

    async def scenario() -> str:
        server = models.serve(wait_seconds=0.05)
        with pytest.raises(AwsError) as caught:
            await call(server, "a")
        assert (caught.value.code, caught.value.status) == ("ModelNotReadyException", 429)
        gate.set()
        await until(lambda: not server.is_loading)
        return await call(server, "a")

    assert run(scenario()) == "a"
    assert models.loaded == ["a"]


def test_a_caller_that_goes_away_does_not_end_the_load_for_others(models: Models) -> None:
    gate = models.gate("a")

    async def scenario() -> str:
        server = models.serve()
        first = asyncio.create_task(call(server, "a"))
        second = asyncio.create_task(call(server, "a"))
        await until(lambda: models.loaded == ["a"])
        first.cancel()
        gate.set()
        return await second

    assert run(scenario()) == "a"


def test_more_callers_than_room_are_all_answered(models: Models) -> None:
    async def caller(server: MultiModelServer, names: str) -> str:
        return "".join(await call_all(server, names))

    async def scenario() -> list[str]:
        server = models.serve(memory=2, storage=3)
        return await asyncio.gather(*(caller(server, names) for names in orders))

    orders = ["".join(order) for order in itertools.islice(itertools.permutations("abcdef"), 64)]
    assert run(scenario()) == orders


@given(
    batches=st.lists(st.text("abcdef", min_size=1, max_size=4), max_size=8),
    memory=st.integers(1, 6),
    storage=st.integers(1, 8),
    keep_models=st.booleans(),
)
@settings(deadline=None, max_examples=40)
def test_any_mixture_of_concurrent_calls_is_answered_within_the_bounds(
    tmp_path_factory: pytest.TempPathFactory,
    batches: list[str],
    memory: int,
    storage: int,
    keep_models: bool,
) -> None:
    models = Models(tmp_path_factory.mktemp("models"))

    async def scenario() -> None:
        server = models.serve(memory=memory, storage=storage, keep_models=keep_models)
        for batch in batches:
            answers = await asyncio.gather(*(call(server, name) for name in batch))
            assert "".join(answers) == batch
            assert server.memory_used <= memory
            assert server.storage_used <= storage * MODEL_FILE_BYTES
        await until(lambda: len(models.loaded) - len(models.unloaded) == server.loaded_count)
        server.close()

    run(scenario())
    models.threads.shutdown()
    assert sorted(models.loaded) == sorted(models.unloaded)

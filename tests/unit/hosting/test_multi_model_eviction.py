import asyncio

import pytest

from localaws.containers.contract import ContainerRequest
from localaws.errors import AwsError
from localaws.hosting.model_files import model_name
from localaws.hosting.multi_model import InsufficientStorageError
from tests.unit.hosting.multi_model_server import (
    MODEL_FILE_BYTES,
    Models,
    call,
    call_all,
    run,
    until,
)


def test_the_least_recently_used_model_is_unloaded_when_memory_is_full(models: Models) -> None:
    run(call_all(models.serve(), "abcad"))
    assert models.unloaded == ["b"]


def test_memory_never_holds_more_models_than_fit(models: Models) -> None:
    async def scenario() -> None:
        server = models.serve()
        await asyncio.gather(*(call(server, name) for name in "abc"))
        for name in "defabc":
            await call(server, name)
            assert server.loaded_count == server.memory_used == 3

    run(scenario())


def test_an_unloaded_model_stays_on_disk_and_is_loaded_from_there(models: Models) -> None:
    run(call_all(models.serve(), "abcda"))
    assert models.loaded == ["a", "b", "c", "d", "a"]
    assert models.backend.s3.reads.count("models/a.tar.gz") == 1


def test_a_full_disk_loses_the_files_of_models_that_are_not_loaded(models: Models) -> None:
    run(call_all(models.serve(memory=2, storage=3), "abcda"))
    assert models.backend.s3.reads == [f"models/{name}.tar.gz" for name in "abcda"]


def test_files_of_loaded_models_stay_while_others_can_go(models: Models) -> None:
    run(call_all(models.serve(memory=2, storage=3), "abcdcd"))
    assert models.loaded == ["a", "b", "c", "d"]


def test_a_disk_too_small_for_the_loaded_models_unloads_some(models: Models) -> None:
    async def scenario() -> int:
        server = models.serve(memory=3, storage=2)
        await call_all(server, "abc")
        return server.storage_used

    assert run(scenario()) == 2 * MODEL_FILE_BYTES
    assert models.unloaded == ["a"]


def test_deleted_files_are_gone_from_the_disk(models: Models) -> None:
    run(call_all(models.serve(memory=1, storage=1), "ab"))
    models.threads.shutdown()
    assert [path.name for path in models.directory.iterdir()] == [model_name("b.tar.gz")]


def test_a_model_in_use_is_never_unloaded(models: Models) -> None:
    async def scenario() -> None:
        server = models.serve(memory=2)
        in_use = await server.acquire("a.tar.gz")
        await call_all(server, "bcd")
        assert in_use.invoke(ContainerRequest(b"", "", "")).status == 200
        server.release("a.tar.gz")

    run(scenario())
    assert models.unloaded == ["b", "c"]


def test_a_model_waits_until_memory_is_free(models: Models) -> None:
    async def scenario() -> str:
        server = models.serve(memory=1)
        await server.acquire("a.tar.gz")
        waiting = asyncio.create_task(call(server, "b"))
        await until(lambda: "models/b.tar.gz" in models.backend.s3.reads)
        server.release("a.tar.gz")
        return await waiting

    assert run(scenario()) == "b"


def test_when_no_memory_becomes_free_in_time_there_is_no_room(models: Models) -> None:
    async def scenario() -> None:
        server = models.serve(memory=1, wait_seconds=0.1)
        await server.acquire("a.tar.gz")
        with pytest.raises(InsufficientStorageError, match=r"no memory to load b\.tar\.gz"):
            await server.acquire("b.tar.gz")
        await until(lambda: not server.is_loading)
        assert server.loaded_count == 1

    run(scenario())


def test_a_model_larger_than_the_memory_finds_no_room_at_once(models: Models) -> None:
    with pytest.raises(InsufficientStorageError, match="no memory"):
        run(call(models.serve(memory=0), "a"))


def test_a_model_larger_than_the_disk_finds_no_room(models: Models) -> None:
    with pytest.raises(InsufficientStorageError, match="no disk space"):
        run(call(models.serve(storage=0), "a"))


def test_an_overwritten_object_is_served_stale_while_it_is_on_disk(models: Models) -> None:
    async def scenario() -> list[str]:
        server = models.serve(memory=1)
        await call(server, "a")
        models.publish("a", content="new")
        return await call_all(server, "aba")

    assert run(scenario()) == ["a", "b", "a"]


def test_an_overwritten_object_is_served_new_once_its_files_were_evicted(models: Models) -> None:
    async def scenario() -> list[str]:
        server = models.serve(memory=1, storage=1)
        await call(server, "a")
        models.publish("a", content="new")
        return await call_all(server, "ba")

    assert run(scenario()) == ["b", "new"]


def test_a_deleted_object_is_served_until_it_was_evicted(models: Models) -> None:
    async def scenario() -> None:
        server = models.serve(memory=1, storage=1)
        await call(server, "a")
        del models.backend.s3.objects["models/a.tar.gz"]
        assert await call(server, "a") == "a"
        await call(server, "b")
        with pytest.raises(AwsError, match="Failed to download model data"):
            await call(server, "a")

    run(scenario())


def test_without_model_cache_a_model_leaves_memory_and_disk_after_its_call(models: Models) -> None:
    async def scenario() -> tuple[int, int]:
        server = models.serve(keep_models=False)
        await call_all(server, "aa")
        await until(lambda: models.unloaded == ["a", "a"])
        return server.loaded_count, server.storage_used

    assert run(scenario()) == (0, 0)
    assert models.backend.s3.reads == ["models/a.tar.gz"] * 2


def test_without_model_cache_concurrent_calls_still_share_one_copy(models: Models) -> None:
    async def scenario() -> list[str]:
        server = models.serve(keep_models=False)
        await server.acquire("a.tar.gz")
        answers = await call_all(server, "aa")
        server.release("a.tar.gz")
        await until(lambda: models.unloaded == ["a"])
        return answers

    assert run(scenario()) == ["a", "a"]

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localaws.containers.base import ContainerRequest, ContainerSettings, ModelLoadError
from localaws.errors import AwsError
from localaws.hosting.artifacts import S3Location
from localaws.hosting.logs import LogStream
from localaws.hosting.metrics import MetricsPublisher
from localaws.hosting.multi_model import (
    InsufficientStorageError,
    ModelBounds,
    MultiModelServer,
    model_name,
)
from localaws.hosting.specification import EndpointSpecification, VariantSpecification
from localaws.hosting.variant_metrics import VariantMetrics
from tests.unit.hosting.containers import ScriptedImage
from tests.unit.memory_backend import BUCKET, ROLE, SCOPE, MemoryBackend, model_archive

DIMENSIONS = {"EndpointName": "housing", "VariantName": "AllTraffic"}
MODEL_FILE_BYTES = 1000


class Models:
    """A MultiModelServer of three models' memory, and what is around it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.backend = MemoryBackend()
        self.image = ScriptedImage()
        self.publisher = MetricsPublisher(self.backend)
        self.log = LogStream(SCOPE, "group", "stream")
        self.threads = ThreadPoolExecutor(8)
        for name in "abcdef":
            self.publish(name)

    def publish(self, name: str, content: str = "") -> None:
        body = (content or name).encode().ljust(MODEL_FILE_BYTES)
        self.backend.s3.objects[f"models/{name}.tar.gz"] = model_archive({"model": body})

    def serve(
        self,
        *,
        memory: int = 3,
        storage: int = 100,
        keep_models: bool = True,
        wait_seconds: float = 10.0,
        role: str = ROLE,
    ) -> MultiModelServer:
        variant = VariantSpecification("AllTraffic", "model", role, "ml.m5.large", 1, 1.0, ())
        endpoint = EndpointSpecification(SCOPE, "housing", "config", (variant,))
        return MultiModelServer(
            container=self.image.container(ContainerSettings("scripted")),
            location=S3Location(BUCKET, "models/"),
            object_store=lambda: self.backend.object_store_as(role),
            directory=self.directory,
            bounds=ModelBounds(memory, 1, storage * MODEL_FILE_BYTES),
            metrics=VariantMetrics(self.publisher, endpoint, variant),
            log=self.log,
            threads=self.threads,
            keep_models=keep_models,
            wait_seconds=wait_seconds,
        )

    def metric(self, name: str) -> list[float]:
        self.publisher.flush()
        return self.backend.values("AWS/SageMaker", name, DIMENSIONS)

    @property
    def loaded(self) -> list[str]:
        return [content.strip() for content in self.image.loaded]

    @property
    def unloaded(self) -> list[str]:
        return [content.strip() for content in self.image.unloaded]

    def gate(self, name: str) -> threading.Event:
        """Hold loads of a model up until the event is set."""
        content = name.encode().ljust(MODEL_FILE_BYTES).decode()
        return self.image.gates.setdefault(content, threading.Event())


@pytest.fixture
def models(tmp_path: Path) -> Iterator[Models]:
    models = Models(tmp_path / "models")
    yield models
    models.backend.s3.gate.set()
    for gate in models.image.gates.values():
        gate.set()
    models.threads.shutdown()


def run(scenario: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(scenario)


async def call(server: MultiModelServer, name: str) -> str:
    """One invocation of a model, which answers with its content."""
    target_model = f"{name}.tar.gz"
    model = await server.acquire(target_model)
    try:
        return model.invoke(ContainerRequest(b"", "", "")).body.decode().partition(":")[0].strip()
    finally:
        server.release(target_model)


async def call_all(server: MultiModelServer, names: str) -> list[str]:
    return [await call(server, name) for name in names]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


def test_nothing_is_loaded_before_it_is_called(models: Models) -> None:
    assert models.serve().loaded_count == 0
    assert models.backend.s3.reads == []


def test_the_first_call_downloads_unpacks_and_loads(models: Models) -> None:
    assert run(call(models.serve(), "a")) == "a"
    assert models.backend.s3.reads == ["models/a.tar.gz"]


def test_further_calls_find_it_loaded(models: Models) -> None:
    run(call_all(models.serve(), "aaa"))
    assert models.loaded == ["a"]


def test_the_files_lie_under_the_opaque_name_that_the_container_gets(models: Models) -> None:
    run(call(models.serve(), "a"))
    assert (models.directory / model_name("a.tar.gz") / "model" / "model").exists()


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


def test_when_all_memory_is_in_use_the_next_model_finds_no_room(models: Models) -> None:
    async def scenario() -> None:
        server = models.serve(memory=1)
        await server.acquire("a.tar.gz")
        with pytest.raises(InsufficientStorageError, match=r"no memory to load b\.tar\.gz"):
            await server.acquire("b.tar.gz")

    run(scenario())


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


def test_a_missing_object_is_a_validation_error_that_names_bucket_and_key(models: Models) -> None:
    with pytest.raises(AwsError) as caught:
        run(call(models.serve(), "nowhere"))
    assert caught.value.code == "ValidationError"
    assert f"(bucket: {BUCKET}, key: models/nowhere.tar.gz)" in caught.value.message


def test_a_role_that_may_not_get_the_object_answers_the_same(models: Models) -> None:
    models.backend.s3.denied.add("s3:GetObject")
    with pytest.raises(AwsError, match="Failed to download model data"):
        run(call(models.serve(), "a"))


def test_the_reason_stands_in_the_log(models: Models) -> None:
    models.backend.s3.denied.add("s3:GetObject")
    with pytest.raises(AwsError):
        run(call(models.serve(), "a"))
    assert any("not authorized to perform: s3:GetObject" in line for _, line in models.log.drain())


def test_a_role_that_cannot_be_assumed_answers_the_same(models: Models) -> None:
    with pytest.raises(AwsError, match="Failed to download model data"):
        run(call(models.serve(role="arn:aws:iam::123456789012:role/other"), "a"))


def test_an_object_that_is_no_archive_is_a_validation_error(models: Models) -> None:
    models.backend.s3.objects["models/a.tar.gz"] = b"not an archive"
    with pytest.raises(AwsError, match=r"Failed to extract model data archive .*models/a\.tar\.gz"):
        run(call(models.serve(), "a"))
    models.threads.shutdown()
    assert not list(models.directory.iterdir())


def test_a_model_that_does_not_load_frees_its_memory(models: Models) -> None:
    models.image.load_errors.add("a".ljust(MODEL_FILE_BYTES))

    async def scenario() -> int:
        server = models.serve()
        with pytest.raises(ModelLoadError):
            await call(server, "a")
        return server.memory_used

    assert run(scenario()) == 0


def test_after_a_failure_the_next_call_tries_again(models: Models) -> None:
    async def scenario() -> str:
        server = models.serve()
        models.backend.s3.denied.add("s3:GetObject")
        with pytest.raises(AwsError):
            await call(server, "a")
        models.backend.s3.denied.clear()
        return await call(server, "a")

    assert run(scenario()) == "a"


def test_a_failure_reaches_every_call_that_waited_for_it(models: Models) -> None:
    async def scenario() -> list[Any]:
        server = models.serve()
        calls = [call(server, "nowhere") for _ in range(3)]
        return await asyncio.gather(*calls, return_exceptions=True)

    assert [type(outcome) for outcome in run(scenario())] == [AwsError] * 3


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


def test_closing_unloads_all_and_deletes_the_files(models: Models) -> None:
    async def scenario() -> None:
        server = models.serve()
        await call_all(server, "ab")
        server.close()

    run(scenario())
    models.threads.shutdown()
    assert models.unloaded == ["a", "b"]
    assert not models.directory.exists()


def test_each_call_counts_as_a_hit_or_a_miss(models: Models) -> None:
    run(call_all(models.serve(), "aab"))
    assert sorted(models.metric("ModelCacheHit")) == [0.0, 0.0, 1.0]


def test_downloads_loads_unloads_and_waits_are_timed_once_each(models: Models) -> None:
    run(call_all(models.serve(memory=2), "aabca"))
    counts = {
        name: len(models.metric(name))
        for name in (
            "ModelDownloadingTime",
            "ModelLoadingTime",
            "ModelUnloadingTime",
            "ModelLoadingWaitTime",
        )
    }
    assert counts == {
        "ModelDownloadingTime": 3,
        "ModelLoadingTime": 4,
        "ModelUnloadingTime": 2,
        "ModelLoadingWaitTime": 4,
    }


@given(
    batches=st.lists(st.text("abcdef", min_size=1, max_size=4), max_size=8),
    memory=st.integers(4, 6),
    storage=st.integers(4, 8),
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

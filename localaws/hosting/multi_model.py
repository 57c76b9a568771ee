"""The models of one MultiModel container on one instance: downloaded, loaded and evicted.

https://docs.aws.amazon.com/sagemaker/latest/dg/multi-model-endpoints.html
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast

from localaws.artifacts import S3Location
from localaws.backend import ObjectStore
from localaws.containers.contract import Container, LoadedModel
from localaws.hosting.invocation import model_not_ready
from localaws.hosting.loading import close_model, load_model
from localaws.hosting.logs import LogStream
from localaws.hosting.lru_cache import LruCache
from localaws.hosting.metrics import VariantMetrics
from localaws.hosting.model_files import ModelFiles

Result = TypeVar("Result")


class InsufficientStorageError(Exception):
    """There is no room for a model, or none became free in time."""


@dataclass(frozen=True)
class ModelBounds:
    """What the models of one container may take, in bytes."""

    memory: int
    memory_per_model: int
    storage: int


@dataclass(slots=True)
class _Slot:
    """Memory taken by a model; ``model`` is None until it has loaded."""

    model: LoadedModel | None = None


@dataclass
class _Load:
    """A model on its way in, for the calls that wait for it."""

    target_model: str
    task: asyncio.Task[LoadedModel]
    waiting: int = 0
    shortage: str = ""
    """What it waits for itself, while everything is in use."""


class MultiModelServer:
    """Brings models in when they are first called, and evicts others to make room.

    Memory and disk are separate caches: a model unloaded from memory keeps its files until the disk
    is full. All state belongs to the event loop; downloads, loads and unloads run on threads.

    A load pins its model once for each call that waits for it, before any of them runs again: what
    was loaded for a call cannot be evicted before the call has used it, so that each call is
    answered however many compete for however little room.
    """

    def __init__(
        self,
        container: Container,
        location: S3Location,
        object_store: Callable[[], ObjectStore],
        directory: Path,
        bounds: ModelBounds,
        metrics: VariantMetrics,
        log: LogStream,
        threads: Executor,
        *,
        keep_models: bool,
        wait_seconds: float,
    ) -> None:
        self._container = container
        self._bounds = bounds
        self._metrics = metrics
        self._log = log
        self._threads = threads
        self._keep_models = keep_models
        self._wait_seconds = wait_seconds
        self._memory: LruCache[_Slot] = LruCache(bounds.memory)
        self._files = ModelFiles(
            location, object_store, directory, bounds.storage, metrics, log, threads
        )
        self._loads: dict[str, _Load] = {}
        self._room = asyncio.Event()
        self._unloading: set[asyncio.Task[None]] = set()

    @property
    def loaded_count(self) -> int:
        """Models in memory, those that are loading included."""
        return len(self._memory)

    def loaded_names(self) -> list[str]:
        """Target models in memory, the least recently used first."""
        return self._memory.names()

    @property
    def memory_used(self) -> int:
        """Bytes of memory that models take."""
        return self._memory.used

    @property
    def storage_used(self) -> int:
        """Bytes of disk that unpacked models take."""
        return self._files.used

    @property
    def is_loading(self) -> bool:
        """Whether a download or load is under way, waited for or not."""
        return bool(self._loads)

    def __contains__(self, target_model: str) -> bool:
        return target_model in self._memory

    async def acquire(self, target_model: str) -> LoadedModel:
        """The model, loaded and kept until ``release``.

        Raises
        ------
        AwsError
            When it cannot be downloaded or is not there in time, ``ModelLoadError`` when the
            container cannot load it, ``InsufficientStorageError`` when there is no room for it,
            or none in time.
        """
        model = self._loaded(target_model)
        self._metrics.model_cache_hit.record(0.0 if model is None else 1.0)
        if model is None:
            return await self._wait_for(target_model)
        self._memory.pin(target_model)
        return model

    def release(self, target_model: str) -> None:
        """Undo one ``acquire``."""
        self._memory.unpin(target_model)
        self._let_go(target_model)

    def close(self) -> None:
        """Unload everything; nothing may be in use. The files are left to the instance."""
        for name in self._memory.names():
            slot = self._memory.remove(name)
            if slot.model is not None:
                close_model(slot.model, self._log)

    def _loaded(self, target_model: str) -> LoadedModel | None:
        slot = self._memory.get(target_model)
        return None if slot is None else slot.model

    async def _wait_for(self, target_model: str) -> LoadedModel:
        started = time.perf_counter()
        load = self._loads.get(target_model) or self._start_load(target_model)
        load.waiting += 1
        try:
            async with asyncio.timeout(self._wait_seconds):
                return await asyncio.shield(load.task)
        except BaseException as reason:
            self._stop_waiting(load)
            if not isinstance(reason, TimeoutError):
                raise
            if load.shortage:
                raise InsufficientStorageError(load.shortage) from None
            raise model_not_ready(target_model) from None
        finally:
            self._metrics.model_loading_wait_time.record(_microseconds_since(started))

    def _stop_waiting(self, load: _Load) -> None:
        """A call went away, or its load failed; what was pinned for it is released."""
        if self._loads.get(load.target_model) is load:
            load.waiting -= 1
            self._room.set()
        elif not load.task.cancelled() and load.task.exception() is None:
            self.release(load.target_model)

    def _start_load(self, target_model: str) -> _Load:
        task = asyncio.create_task(self._load(target_model))
        task.add_done_callback(lambda done: self._note_failure(target_model, done))
        load = self._loads[target_model] = _Load(target_model, task)
        return load

    def _note_failure(self, target_model: str, task: asyncio.Task[LoadedModel]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self._log.write(f"Could not load {target_model}: {task.exception()}")

    async def _load(self, target_model: str) -> LoadedModel:
        load = self._loads[target_model]
        try:
            if target_model not in self._files:
                await self._fetch(load)
            self._files.pin(target_model)
            self._files.get(target_model)  # the most recently used
            try:
                model = await self._load_into_memory(load)
            except BaseException:
                self._files.unpin(target_model)
                raise
            for _ in range(load.waiting):
                self._memory.pin(target_model)
        finally:
            del self._loads[target_model]
            self._room.set()
        self._memory.unpin(target_model)
        self._let_go(target_model)
        return model

    async def _load_into_memory(self, load: _Load) -> LoadedModel:
        """Load a model into a slot that stays pinned."""
        target_model = load.target_model
        directory = self._files.folder(target_model)
        slot, evicted = await self._reserve_memory(load)
        try:
            for name, model in evicted:
                await self._unload(name, model)
            started = time.perf_counter()
            slot.model = await self._on_thread(
                lambda: load_model(self._container, directory, self._log)
            )
        except BaseException:
            self._memory.remove(target_model)
            raise
        loading_time = _microseconds_since(started)
        self._metrics.model_loading_time.record(loading_time)
        self._log.write(f"Loaded {target_model} in {loading_time / 1000:.1f} ms")
        return slot.model

    async def _fetch(self, load: _Load) -> None:
        target_model = load.target_model
        try:
            size = await self._on_thread(lambda: self._files.download(target_model))
            await self._make_storage_room(load, size)
        except BaseException:
            self._files.discard(target_model)
            raise
        self._files.put(target_model, None, size)

    async def _reserve_memory(self, load: _Load) -> tuple[_Slot, list[tuple[str, LoadedModel]]]:
        size = self._bounds.memory_per_model
        while (victims := self._memory.make_room(size)) is None:
            shortage = f"no memory to load {load.target_model}: {size} bytes more do not fit"
            await self._wait_for_room(load, shortage, possible=size <= self._memory.capacity)
        load.shortage = ""
        evicted = [(name, self._evict(name)) for name in victims]
        slot = _Slot()
        self._memory.put(load.target_model, slot, size)
        self._memory.pin(load.target_model)
        return slot, evicted

    async def _make_storage_room(self, load: _Load, size: int) -> None:
        while (victims := self._files.make_room(size)) is None:
            idle = next((n for n in self._memory.names() if not self._memory.is_pinned(n)), None)
            if idle is not None:
                await self._unload(idle, self._evict(idle))
                continue
            shortage = f"no disk space for {load.target_model}: {size} bytes more do not fit"
            await self._wait_for_room(load, shortage, possible=size <= self._files.capacity)
        load.shortage = ""
        for name in victims:
            self._files.delete(name)

    async def _wait_for_room(self, load: _Load, shortage: str, *, possible: bool) -> None:
        """Wait until something may have become free, for as long as a call waits for the load.

        Raises
        ------
        InsufficientStorageError
            When that is pointless, or nobody waits.
        """
        load.shortage = shortage
        if not possible or not load.waiting:
            raise InsufficientStorageError(shortage)
        self._room.clear()
        await self._room.wait()

    def _let_go(self, target_model: str) -> None:
        """A model may have become idle: others take its room, and nothing keeps it uncached."""
        if self._memory.is_pinned(target_model):
            return
        self._room.set()
        if not self._keep_models:
            self._unload_in_background(target_model)

    def _evict(self, target_model: str) -> LoadedModel:
        """Take a loaded model out of memory's books; its files may go from now on."""
        slot = self._memory.remove(target_model)
        self._files.unpin(target_model)
        self._room.set()
        return cast(LoadedModel, slot.model)  # a slot is pinned until its model has loaded

    async def _unload(self, target_model: str, model: LoadedModel) -> None:
        started = time.perf_counter()
        await self._on_thread(lambda: close_model(model, self._log))
        self._metrics.model_unloading_time.record(_microseconds_since(started))
        self._log.write(f"Unloaded {target_model}")

    def _unload_in_background(self, target_model: str) -> None:
        """ModelCacheSetting Disabled: out of memory and off the disk as soon as it was used."""
        model = self._evict(target_model)
        self._files.delete(target_model)
        task = asyncio.create_task(self._unload(target_model, model))
        self._unloading.add(task)
        task.add_done_callback(self._unloading.discard)

    async def _on_thread(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _microseconds_since(started: float) -> float:
    return (time.perf_counter() - started) * 1e6

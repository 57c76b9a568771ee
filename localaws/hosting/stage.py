"""The containers of a pipeline, as the steps that a request goes through."""

import asyncio
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Executor
from typing import NamedTuple, Protocol

from localaws.containers.contract import (
    Container,
    ContainerRequest,
    ContainerResponse,
    LoadedModel,
    ModelLoadError,
    RemoteModel,
)
from localaws.hosting.logs import LogStream
from localaws.hosting.metrics import Metric
from localaws.hosting.model_files import model_name
from localaws.hosting.multi_model import InsufficientStorageError, MultiModelServer

MAXIMUM_INLINE_BODY_BYTES = 65_536
"""A larger body takes long enough to decode that other requests should not wait for it."""


class Answer(NamedTuple):
    """What a container answered, and the seconds that it took for it."""

    response: ContainerResponse
    seconds: float = 0.0


class Stage(Protocol):
    """One container of the pipeline on one instance.

    ``models`` are those of a MultiModel container; ``latency`` is the container's metric, which
    only pipelines have.
    """

    name: str
    models: MultiModelServer | None
    latency: Metric | None

    async def invoke(self, request: ContainerRequest) -> Answer:
        """The container's answer; ``TimeoutError`` when it takes too long."""
        ...

    def close(self) -> None: ...


class ContainerCaller:
    """Calls a model on the event loop, or on a thread where that could take long."""

    def __init__(
        self, container: Container, log: LogStream, threads: Executor, timeout_seconds: float
    ) -> None:
        self._container = container
        self._log = log
        self._threads = threads
        self._timeout_seconds = timeout_seconds

    async def call(
        self, model: LoadedModel, request: ContainerRequest, done: Callable[[], None]
    ) -> Answer:
        """Invoke the model; ``done`` is called when it has finished, even if nobody waits then."""
        if isinstance(model, RemoteModel):
            started = time.perf_counter()
            try:
                response = await model.submit(request)
            finally:
                done()
            return self._answered(request, response, time.perf_counter() - started)
        if not self._container.blocking and len(request.body) <= MAXIMUM_INLINE_BODY_BYTES:
            try:
                return self._answer(model, request)
            finally:
                done()
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._threads, self._answer, model, request)
        future.add_done_callback(lambda _: done())
        return await asyncio.wait_for(asyncio.shield(future), self._timeout_seconds)

    def _answer(self, model: LoadedModel, request: ContainerRequest) -> Answer:
        started = time.perf_counter()
        response = self._response(model, request)
        return self._answered(request, response, time.perf_counter() - started)

    def _answered(
        self, request: ContainerRequest, response: ContainerResponse, seconds: float
    ) -> Answer:
        if self._log.accepts_access():
            path = f"/models/{model_name(request.target_model)}/invoke"
            self._log.access(
                path if request.target_model else "/invocations",
                response.status,
                len(response.body),
                seconds,
            )
        return Answer(response, seconds)

    def _response(self, model: LoadedModel, request: ContainerRequest) -> ContainerResponse:
        try:
            return model.invoke(request)
        except Exception:
            # A container that breaks answers 500 and says why in its log, as a web server does.
            self._log.write(traceback.format_exc())
            return ContainerResponse(b"Internal Server Error", "text/plain", status=500)


class SingleModelStage:
    """A container that holds one model from its start on."""

    def __init__(
        self,
        name: str,
        container: Container,
        model: LoadedModel,
        caller: ContainerCaller,
        latency: Metric | None,
    ) -> None:
        self.name = name
        self.models: MultiModelServer | None = None
        self.latency = latency
        self._container = container
        self._model = model
        self._caller = caller

    async def invoke(self, request: ContainerRequest) -> Answer:
        return await self._caller.call(self._model, request, _nothing)

    def close(self) -> None:
        self._model.close()
        self._container.stop()


class MultiModelStage:
    """A container whose models come and go."""

    def __init__(
        self,
        name: str,
        container: Container,
        models: MultiModelServer,
        caller: ContainerCaller,
        latency: Metric | None,
    ) -> None:
        self.name = name
        self.models: MultiModelServer | None = models
        self.latency = latency
        self._models = models
        self._container = container
        self._caller = caller

    async def invoke(self, request: ContainerRequest) -> Answer:
        target_model = request.target_model
        try:
            model = await self._models.acquire(target_model)
        except ModelLoadError as error:
            return Answer(ContainerResponse(str(error).encode(), "text/plain", status=500))
        except InsufficientStorageError as error:
            return Answer(ContainerResponse(str(error).encode(), "text/plain", status=507))
        return await self._caller.call(model, request, lambda: self._models.release(target_model))

    def close(self) -> None:
        self._models.close()
        self._container.stop()


def _nothing() -> None:
    """A model that stays has nothing to release."""

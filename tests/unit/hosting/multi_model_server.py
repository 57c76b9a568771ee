"""A multi-model server over S3 in memory, and coroutines that call it."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from localaws.artifacts import S3Location
from localaws.containers.contract import ContainerRequest, ContainerSettings
from localaws.hosting.logs import LogStream
from localaws.hosting.metrics import MetricsPublisher, VariantMetrics
from localaws.hosting.multi_model import (
    ModelBounds,
    MultiModelServer,
)
from localaws.hosting.specification import EndpointSpecification, VariantSpecification
from localaws.testing.memory import BUCKET, ROLE, SCOPE, MemoryBackend, model_archive
from tests.unit.hosting.containers import ScriptedImage

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

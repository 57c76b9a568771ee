"""The endpoint runtime by itself: no HTTP, no signatures, S3 in memory."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figure import Figure
from localaws.containers.registry import ContainerRegistry
from localaws.hosting.invocation import InvocationRequest
from localaws.hosting.runtime import Runtime
from localaws.hosting.specification import (
    ContainerSpecification,
    EndpointSpecification,
    VariantSpecification,
)
from localaws.testing.memory import BUCKET, ROLE, SCOPE, MemoryBackend, model_archive

IMAGE = "localaws-echo"
ENDPOINT = "echo"
MODELS = 100
WARM_CALLS = 20_000


def run() -> list[Figure]:
    """A warm call of one model, calls that go round 100 models, and cold calls."""
    with _pipeline() as runtime:
        one = asyncio.run(_seconds_per_call(runtime, ["0.tar.gz"] * WARM_CALLS))
        hundred = [f"{number % MODELS}.tar.gz" for number in range(WARM_CALLS)]
        cold = asyncio.run(_seconds_per_call(runtime, hundred[:MODELS]))
        many = asyncio.run(_seconds_per_call(runtime, hundred))
    beside = "two echo containers, of which the second holds models"
    return [
        Figure("runtime, warm call of one model", one * 1e6, "µs", beside),
        Figure("runtime, warm calls of 100 models in turn", many * 1e6, "µs", beside),
        Figure("runtime, cold call (get, unpack, load)", cold * 1e3, "ms", beside),
    ]


@contextmanager
def _pipeline() -> Iterator[Runtime]:
    backend = MemoryBackend()
    for number in range(MODELS):
        backend.s3.objects[f"models/{number}.tar.gz"] = model_archive()
    containers = (
        ContainerSpecification("container-1", IMAGE),
        ContainerSpecification("container-2", IMAGE, f"s3://{BUCKET}/models/", multi_model=True),
    )
    variant = VariantSpecification("A", "model", ROLE, "ml.m5.xlarge", 1, 1.0, containers)
    with tempfile.TemporaryDirectory() as directory:
        runtime = Runtime(Path(directory), backend, ContainerRegistry.installed())
        runtime.start()
        runtime.deploy(EndpointSpecification(SCOPE, ENDPOINT, "config", (variant,)))
        try:
            yield runtime
        finally:
            runtime.stop()


async def _seconds_per_call(runtime: Runtime, target_models: list[str]) -> float:
    requests = [
        InvocationRequest(b"1988,3040.78,2,2.5,1.46,1,y,n", "text/csv", target_model=target_model)
        for target_model in target_models
    ]
    begin = time.perf_counter()
    for request in requests:
        await runtime.invoke(SCOPE, ENDPOINT, request)
    return (time.perf_counter() - begin) / len(requests)

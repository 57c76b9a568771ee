"""What a process of its own costs a request, and what the alarms' sums save it.

Both in processor time of the server, which other programs' load does not change.
"""

import asyncio
import math
import random
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.figure import Figure
from localaws.containers.process_host import ProcessHost
from localaws.containers.registry import ContainerRegistry
from localaws.hosting.invocation import InvocationRequest
from localaws.hosting.runtime import Runtime
from localaws.hosting.specification import (
    ContainerSpecification,
    EndpointSpecification,
    VariantSpecification,
)
from localaws.ministack.cloudwatch.metric_values import Values
from localaws.testing.memory import BUCKET, ROLE, SCOPE, MemoryBackend, model_archive

CALLS = 5_000
SCRIPT = b"""\
def model_fn(folder):
    return None


def transform_fn(model, body, content_type, accept):
    return body, content_type
"""
SCIKIT_LEARN = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
VARIABLES = {
    "SAGEMAKER_PROGRAM": "script.py",
    "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
}
REQUESTS_A_SECOND = 1_000
ALARMS = 7
"""Of the stack monitoring, those that look at percentiles among them."""
WINDOW_SECONDS = 300


def run() -> list[Figure]:
    """A request with and without a process, an evaluation of all alarms with and without sums."""
    inside = _microseconds("localaws-echo", {})
    apart = _microseconds(SCIKIT_LEARN, VARIABLES)
    before, now = _evaluations()
    saved = ALARMS * (before - now) / REQUESTS_A_SECOND
    traffic = f"{REQUESTS_A_SECOND} requests a second"
    return [
        Figure("a request, the container in the server", inside, "µs", "a container that echoes"),
        Figure("a request, the container in a process", apart, "µs", "a script that echoes"),
        Figure("price of the process, a request", apart - inside, "µs", "of the server's time"),
        Figure("an alarm's percentile of all samples", before, "µs", f"5 minutes of {traffic}"),
        Figure("an alarm's percentile of sums", now, "µs", "the same, as localaws keeps them"),
        Figure("saved by the sums, a request", saved, "µs", f"{ALARMS} alarms a second, {traffic}"),
    ]


def _microseconds(image: str, variables: Mapping[str, str]) -> float:
    backend = MemoryBackend()
    backend.s3.objects["model.tar.gz"] = model_archive({"code/script.py": SCRIPT})
    url = f"s3://{BUCKET}/model.tar.gz"
    container = ContainerSpecification("container-1", image, url, environment=dict(variables))
    variant = VariantSpecification("A", "model", ROLE, "ml.m5.large", 1, 1.0, (container,))
    with tempfile.TemporaryDirectory() as directory:
        seconds: float = uvloop.run(_served(Path(directory), backend, variant))
        return seconds


async def _served(folder: Path, backend: MemoryBackend, variant: VariantSpecification) -> float:
    host = ProcessHost()
    host.use_loop(asyncio.get_running_loop())
    runtime = Runtime(folder, backend, ContainerRegistry.installed(), containers=host)
    await asyncio.to_thread(runtime.start)
    try:
        specification = EndpointSpecification(SCOPE, "echo", "config", (variant,))
        await asyncio.to_thread(runtime.deploy, specification)
        request = InvocationRequest(b"1988,3040.78,2,2.5,1.46,1,y,n", "text/csv")
        for _ in range(100):
            await runtime.invoke(SCOPE, "echo", request)
        began = time.process_time()
        for _ in range(CALLS):
            await runtime.invoke(SCOPE, "echo", request)
        return (time.process_time() - began) / CALLS * 1e6
    finally:
        await asyncio.to_thread(runtime.stop)
        host.close()


def _evaluations() -> tuple[float, float]:
    """Microseconds of one percentile over the window, from all samples and from the sums."""
    draw = random.Random(0)
    metric, samples = Values({}), []
    begin = 1_800_000_000
    for second in range(WINDOW_SECONDS):
        for _ in range(REQUESTS_A_SECOND):
            value = draw.lognormvariate(8, 0.5)
            samples.append(value)
            metric.at(begin + second, "Microseconds").add(value)
    end = begin + WINDOW_SECONDS

    def of_all() -> Any:
        return sorted(samples)[math.ceil(0.99 * len(samples)) - 1]

    def of_sums() -> Any:
        return metric.sum_up(begin, end).statistic("p99")

    of_sums()  # whole minutes are summed up once, and looked at every second
    return _timed(of_all, 5), _timed(of_sums, 200)


def _timed(what: Callable[[], Any], times: int) -> float:
    began = time.process_time()
    for _ in range(times):
        what()
    return (time.process_time() - began) / times * 1e6

"""The formula and the simulation, held against the models of an embedded endpoint."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fleet.capacity.lru import Popularity, ReuseDistances
from tests.unit.hosting.multi_model_server import Models, call

MODELS, ROOM, REQUESTS = 60, 15, 3_000
SHAPES = {
    "uniform": Popularity.zipf(MODELS, 0.0).probabilities,
    "zipf 0.6": Popularity.zipf(MODELS, 0.6).probabilities,
    "zipf 0.9": Popularity.zipf(MODELS, 0.9).probabilities,
    "zipf 1.2": Popularity.zipf(MODELS, 1.2).probabilities,
    "two classes": np.repeat([0.9 / 10, 0.1 / 50], [10, 50]),
}


def trace_of(shape: str) -> NDArray[np.int64]:
    return np.random.default_rng(1).choice(MODELS, REQUESTS, p=SHAPES[shape])


def hit_ratio_of_the_endpoint(directory: Path, trace: NDArray[np.int64]) -> float:
    models = Models(directory)
    for number in range(MODELS):
        models.publish(str(number))

    async def scenario() -> None:
        server = models.serve(memory=ROOM, storage=MODELS)
        for number in trace:
            await call(server, str(number))

    asyncio.run(scenario())
    models.threads.shutdown()
    return float(np.mean(models.metric("ModelCacheHit")))


@pytest.mark.parametrize("shape", SHAPES)
def test_hit_ratios_are_within_two_hundredths_of_the_endpoints(shape: str, tmp_path: Path) -> None:
    trace = trace_of(shape)
    measured = hit_ratio_of_the_endpoint(tmp_path, trace)
    assert ReuseDistances(trace).hit_ratio(ROOM) == pytest.approx(measured)
    assert Popularity.of_each(SHAPES[shape]).hit_ratio(ROOM) == pytest.approx(measured, abs=0.02)

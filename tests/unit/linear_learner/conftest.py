import json
from pathlib import Path

import numpy as np
import pytest

from tests.unit.linear_learner.models import random_model
from training.linear_learner.artifact import read_artifact
from training.linear_learner.model import Float32Array, LinearModel

DATA = Path(__file__).parents[2] / "data" / "linear_learner"


@pytest.fixture(scope="session")
def data_directory() -> Path:
    return DATA


@pytest.fixture(scope="session")
def real_artifact() -> bytes:
    """An artifact that SageMaker's own Linear Learner wrote."""
    return (DATA / "model.tar.gz").read_bytes()


@pytest.fixture(scope="session")
def real_model() -> LinearModel:
    return read_artifact(DATA / "model.tar.gz")


@pytest.fixture(scope="session")
def real_requests() -> bytes:
    """334 requests to an endpoint with that artifact, as JSON Lines."""
    return (DATA / "test-dataset.jsonl").read_bytes()


@pytest.fixture(scope="session")
def real_features(real_requests: bytes) -> Float32Array:
    rows = [json.loads(line)["features"] for line in real_requests.splitlines()]
    return np.array(rows, np.float32)


@pytest.fixture(scope="session")
def real_answers() -> list[dict[str, float]]:
    """What the service's endpoint answered to them."""
    answers: list[dict[str, float]] = json.loads((DATA / "golden_predictions.json").read_text())
    return answers


@pytest.fixture
def regressor() -> LinearModel:
    return random_model("regressor", 3)


@pytest.fixture
def multiclass_classifier() -> LinearModel:
    return random_model("multiclass_classifier", 3, outputs=4)

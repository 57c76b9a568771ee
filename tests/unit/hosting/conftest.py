from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.hosting.multi_model_server import Models
from tests.unit.hosting.platform import Platform, endpoint


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    platform = Platform(tmp_path)
    yield platform
    platform.runtime.stop()


@pytest.fixture
def pipeline(platform: Platform) -> Platform:
    platform.runtime.deploy(endpoint())
    return platform


@pytest.fixture
def models(tmp_path: Path) -> Iterator[Models]:
    models = Models(tmp_path / "models")
    yield models
    models.backend.s3.gate.set()
    for gate in models.image.gates.values():
        gate.set()
    models.threads.shutdown()

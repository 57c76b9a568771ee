import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.sagemaker.platform import Platform


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    platform = Platform(tmp_path)
    yield platform
    platform.apis.stop()


@pytest.fixture
def hold(platform: Platform) -> threading.Event:
    """Holds deployments up while they load the preprocessor, until it is set."""
    gate = threading.Event()
    platform.first.gates["scaler"] = gate
    return gate

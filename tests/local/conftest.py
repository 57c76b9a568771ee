"""A localaws for the tests: free port, temporary state, nothing of the user's touched."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from localaws import lifecycle
from localaws.testing import LocalAws, start_localaws

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def localaws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """The server that the tests of one run share; make resources under names of your own."""
    directory = tmp_path_factory.mktemp("localaws") / "state"
    yield start_localaws(directory)
    lifecycle.stop(directory)


@pytest.fixture
def own_localaws(tmp_path: Path) -> Iterator[LocalAws]:
    """A server for one test that stops, kills or fills it."""
    directory = tmp_path / "state"
    yield start_localaws(directory)
    lifecycle.stop(directory)


@pytest.fixture(scope="session")
def bootstrapped(localaws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> LocalAws:
    """The shared server after ``cdk bootstrap``."""
    localaws.cdk("bootstrap", localaws.target, cwd=tmp_path_factory.mktemp("bootstrap"))
    return localaws

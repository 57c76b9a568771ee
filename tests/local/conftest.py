"""A localaws for the tests: free port, temporary state, nothing of the user's touched."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.registry_table import deployed_table
from localaws import lifecycle
from localaws.testing import LocalAws, start_localaws
from localaws.testing.stacks import Stack

ROOT = Path(__file__).parents[2]

StartLocalAws = Callable[[Path], LocalAws]


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
def start_bootstrapped(tmp_path_factory: pytest.TempPathFactory) -> StartLocalAws:
    """Starts a server in a new folder, bootstrapped for the CDK; that runs once for all."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    original = shared / "bootstrapped"
    with (shared / "bootstrapped.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not original.exists():
            folder = tmp_path_factory.mktemp("bootstrap")
            aws = start_localaws(folder / "state")
            try:
                aws.cdk("bootstrap", aws.target, cwd=folder)
            finally:
                aws.stop()
            (folder / "state").rename(original)

    def start(directory: Path) -> LocalAws:
        shutil.copytree(original, directory)
        return start_localaws(directory)

    return start


@pytest.fixture(scope="session")
def bootstrapped(
    start_bootstrapped: StartLocalAws, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalAws]:
    """A server after ``cdk bootstrap`` that the tests of one run share."""
    aws = start_bootstrapped(tmp_path_factory.mktemp("bootstrapped") / "state")
    yield aws
    aws.stop()


@pytest.fixture(scope="session")
def table(localaws: LocalAws) -> Iterator[str]:
    """The name of a registry's table that the tests of one run share."""
    yield deployed_table(localaws, "registry-table")
    Stack.existing(localaws, "registry-table").delete()

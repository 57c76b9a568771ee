"""A localaws for the tests: free port, temporary state, nothing of the user's touched."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.registry_table import deployed_table
from localaws import lifecycle
from localaws.testing import LocalAws
from localaws.testing.stacks import Stack
from tests.local.assembly import Assembly, synthesized
from tests.local.loaded_cdk import cdk
from tests.local.servers import start_localaws

ROOT = Path(__file__).parents[2]

StartLocalAws = Callable[[Path], LocalAws]
StageOf = Callable[[LocalAws], Assembly]


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


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Path]) -> Path:
    """A folder that the first of all workers to ask for it makes.

    Parameters
    ----------
    factory
        Of this worker.
    name
        Of the folder.
    make
        Makes it in a folder of its own.
    """
    shared = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / name).exists():
            make(factory.mktemp(f"making-{name}")).rename(shared / name)
    return shared / name


def starts_copies(
    factory: pytest.TempPathFactory,
    name: str,
    start: StartLocalAws,
    prepare: Callable[[LocalAws, Path], object],
) -> StartLocalAws:
    """Start servers in copies of a folder that is made once.

    Parameters
    ----------
    factory, name
        As for ``made_once``.
    start, prepare
        Start the server that makes it, and do what all copies are to begin with; ``prepare`` has
        a folder for files of its own.
    """

    def make(folder: Path) -> Path:
        aws = start(folder / "state")
        try:
            prepare(aws, folder)
        finally:
            aws.stop()
        return folder / "state"

    original = made_once(factory, name, make)

    def start_copy(directory: Path) -> LocalAws:
        shutil.copytree(original, directory)
        return start_localaws(directory)

    return start_copy


@pytest.fixture(scope="session")
def dev(tmp_path_factory: pytest.TempPathFactory) -> StageOf:
    """The stacks of stage dev as cdk.json has it, for any server; synthesized once for all."""

    def synthesize(folder: Path) -> Path:
        return synthesized(folder / "cdk.out", "dev")

    folder = made_once(tmp_path_factory, "dev", synthesize)
    return lambda aws: Assembly(aws, "dev", folder)


@pytest.fixture(scope="session")
def start_bootstrapped(tmp_path_factory: pytest.TempPathFactory) -> StartLocalAws:
    """Starts a server in a new folder, bootstrapped for the CDK; that runs once for all."""

    def bootstrap(aws: LocalAws, folder: Path) -> None:
        cdk(aws, "bootstrap", aws.target, folder=folder)

    return starts_copies(tmp_path_factory, "bootstrapped", start_localaws, bootstrap)


@pytest.fixture(scope="session")
def start_with_storage(
    start_bootstrapped: StartLocalAws,
    dev: StageOf,
    tmp_path_factory: pytest.TempPathFactory,
) -> StartLocalAws:
    """Starts a server in a new folder, with the storage stack of stage dev; deployed once."""

    def deploy(aws: LocalAws, folder: Path) -> None:
        dev(aws).deploy("storage")

    return starts_copies(tmp_path_factory, "with-storage", start_bootstrapped, deploy)


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

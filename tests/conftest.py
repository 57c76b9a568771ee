"""What all tests share."""

import gc
import os
import signal
from collections.abc import Generator
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

# Started in the background, as some CI systems do it, a process ignores Ctrl-C, and so would the
# programs that tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Most servers of the tests start no container; each would import scikit-learn for them.
os.environ["LOCALAWS_WARM_UP"] = "0"

# NumPy's threads wait for each other while they use processors that other workers could use.
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

# So would V8's; its concurrent collections and compilations cost a synthesis a tenth more.
os.environ.setdefault("NODE_OPTIONS", "--v8-pool-size=0")

# Where a construct was made, nobody asks: the JSII kernel would take a fifth more time.
os.environ["CDK_DISABLE_STACK_TRACE"] = "1"

# How long an example takes depends on what else the machine does: that is no property of ours.
# A quarter of the usual examples: `make soak` has a million.
settings.register_profile(
    "any machine",
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("any machine")

DEPLOYED_ONCE = frozenset(
    {
        "tests/local/access",
        "tests/local/cache_experiment",
        "tests/local/library",
        "tests/local/registry",
        "tests/synth",
        "tests/unit/constructs",
    }
)
"""Folders whose files share something that takes long to make: one worker runs all of them."""


class FileScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Tests in parallel, a file to a worker: its fixtures are made once, its tests keep order."""

    def _split_scope(self, nodeid: str) -> str:
        file = PurePosixPath(nodeid.partition("::")[0])
        return next((str(p) for p in file.parents if str(p) in DEPLOYED_ONCE), str(file))


FIRST = ("tests/local/cache_experiment", "tests/synth", "tests/unit")
"""Experiments wait, most of a minute, for time to pass: what never waits works beside them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Folders in the order in which workers begin them."""

    def place(item: pytest.Item) -> int:
        return next((i for i, name in enumerate(FIRST) if item.nodeid.startswith(name)), len(FIRST))

    items.sort(key=place)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected lives to the end: nothing of it is garbage to look for, now or later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FileScheduling:
    """Called with ``-n`` only."""
    return FileScheduling(config, log)

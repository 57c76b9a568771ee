"""What all unit tests share."""

from collections.abc import Iterator

import pytest

from localaws.containers.process_host import ProcessHost


@pytest.fixture(scope="session")
def process_host() -> Iterator[ProcessHost]:
    """Starts real processes, from one fork server, with an event loop of its own."""
    host = ProcessHost()
    host.use_own_loop()
    yield host
    host.close()

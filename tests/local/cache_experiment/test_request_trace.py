"""Where the time of one prediction went."""

import time

from localaws.hosting.runtime import FLUSH_SECONDS
from tests.local.cache_experiment.conftest import CITY, Watched
from tests.local.commands import succeed


def test_a_cold_request_is_traced_through_download_load_and_containers(watched: Watched) -> None:
    time.sleep(2 * FLUSH_SECONDS)  # the requests of the tests before are in other periods
    output = succeed(watched.aws, "predict", "--city", CITY, "--trace")
    for part in ("waiting for the model", "load into memory", "preprocessor", "linear-learner"):
        assert part in output
    assert "no other requests in the period (1 of 1 cold)" in output

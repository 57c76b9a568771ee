"""Where the time of one prediction went."""

from tests.local.cache_experiment.conftest import CITY, Watched
from tests.local.commands import succeed


def test_a_cold_request_is_traced_through_download_load_and_containers(watched: Watched) -> None:
    output = succeed(watched.aws, "predict", "--city", CITY, "--trace")
    for part in ("waiting for the model", "load into memory", "preprocessor", "linear-learner"):
        assert part in output
    assert "no other requests in the period (1 of 1 cold)" in output

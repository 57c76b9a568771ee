"""An experiment that is ended early leaves no copies, or they can be removed."""

import signal

import pytest

from tests.local.cache_experiment.conftest import EXPERIMENT, Watched


@pytest.mark.parametrize(("how", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_experiment_removes_its_copies(
    watched: Watched, how: signal.Signals, status: int
) -> None:
    process = watched.begin("--passes", "50", "--pace", "2")
    assert len(watched.copies()) == 50
    process.send_signal(how)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, watched.copies()) == (status, []), errors


def test_what_a_killed_experiment_left_is_removed_on_request(watched: Watched) -> None:
    process = watched.begin("--passes", "20", "--pace", "2")
    process.kill()
    process.communicate()
    assert len(watched.copies()) == 20
    watched.aws.run(*EXPERIMENT, "--clean")
    assert watched.copies() == []

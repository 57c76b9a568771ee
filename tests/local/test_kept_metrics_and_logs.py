"""Metric values and log events outlive the process, however it ends."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from localaws import lifecycle, testing
from localaws.testing import LocalAws
from tests.local.servers import start_localaws

FLUSHED = 2.5
"""Seconds after which an acknowledged write is on disk: a flush a second, with some room."""
GROUP = "/test/group"


def _kill(directory: Path) -> None:
    process = lifecycle.find_running(directory)
    assert process is not None
    os.kill(process.process_id, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while lifecycle.find_running(directory) is not None and time.monotonic() < deadline:
        time.sleep(0.05)


def _put(aws: LocalAws) -> None:
    session = aws.session()
    session.client("cloudwatch").put_metric_data(
        Namespace="Test",
        MetricData=[{"MetricName": "Rooms", "Values": [2.0, 4.0], "Counts": [3.0, 1.0]}],
    )
    logs = session.client("logs")
    logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(logGroupName=GROUP, logStreamName="stream")
    logs.put_log_events(
        logGroupName=GROUP,
        logStreamName="stream",
        logEvents=[{"timestamp": int(time.time() * 1000), "message": "first"}],
    )
    time.sleep(FLUSHED)


def _sum_of_values(aws: LocalAws) -> float:
    now = datetime.now(UTC)
    answer = (
        aws.session()
        .client("cloudwatch")
        .get_metric_statistics(
            Namespace="Test",
            MetricName="Rooms",
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(hours=1),
            Period=7200,
            Statistics=["Sum"],
        )
    )
    return sum(point["Sum"] for point in answer["Datapoints"])


def _messages(aws: LocalAws) -> list[str]:
    answer = aws.session().client("logs").filter_log_events(logGroupName=GROUP)
    return [event["message"] for event in answer["events"]]


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a server left that was killed, started again and stopped: a folder to copy."""
    directory = tmp_path_factory.mktemp("left") / "state"
    _put(start_localaws(directory))
    _kill(directory)
    testing.start_localaws(directory).stop()  # which closes its databases
    return directory


@pytest.fixture
def directory(left: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy for one test; no server runs there yet."""
    directory = tmp_path / "state"
    shutil.copytree(left, directory)
    yield directory
    lifecycle.stop(directory)


def test_values_and_events_survive_a_kill_and_a_stop_and_are_not_counted_twice(
    directory: Path,
) -> None:
    again = start_localaws(directory)
    assert (_sum_of_values(again), _messages(again)) == (10.0, ["first"])


SHIFTED_CLOCK = """
import datetime, time
real, shift = time.time, 86400 * int(__import__("os").environ["SHIFT_DAYS"])
time.time = lambda: real() + shift
class Shifted(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(time.time(), tz)
    @classmethod
    def utcnow(cls):
        return cls.fromtimestamp(time.time(), datetime.UTC).replace(tzinfo=None)
datetime.datetime = Shifted
"""


@pytest.mark.parametrize("days", [20, -20])
def test_a_start_with_a_wrong_clock_deletes_nothing(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    (tmp_path / "sitecustomize.py").write_text(SHIFTED_CLOCK)
    with monkeypatch.context() as wrong:
        wrong.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
        wrong.setenv("SHIFT_DAYS", str(days))
        testing.start_localaws(directory)
        time.sleep(FLUSHED)
        lifecycle.stop(directory)
    again = start_localaws(directory)
    assert (_sum_of_values(again), _messages(again)) == (10.0, ["first"])


def test_a_log_group_made_again_does_not_get_the_events_of_the_deleted_one(
    directory: Path,
) -> None:
    logs = start_localaws(directory).session().client("logs")
    logs.delete_log_group(logGroupName=GROUP)
    logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(logGroupName=GROUP, logStreamName="stream")
    lifecycle.stop(directory)
    assert _messages(start_localaws(directory)) == []


@pytest.mark.parametrize("name", ["cloudwatch_values", "cloudwatch_events"])
def test_a_damaged_file_is_named_and_kept(directory: Path, name: str) -> None:
    file = directory / "services" / f"{name}.sqlite"
    file.write_bytes(b"not a database, with a \xff in it")
    again = start_localaws(directory)
    kept = (_sum_of_values(again), _messages(again))
    assert kept == ((0, ["first"]) if name == "cloudwatch_values" else (10.0, []))
    assert f"{name}.sqlite is damaged" in again.state.log_file.read_text()

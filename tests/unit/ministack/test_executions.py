"""Executions that have ended do not add up."""

from collections.abc import Iterator

import pytest
from ministack.core.responses import request_scope
from ministack.services import stepfunctions

from localaws.ministack.state_machines import executions
from localaws.ministack.state_machines.executions import Executions


@pytest.fixture(autouse=True)
def _scope(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(executions, "MOST_ENDED", 3)
    with request_scope("123456789012", "us-east-1"):
        yield
    stepfunctions._executions._data.clear()


def execution(number: int, status: str = "SUCCEEDED") -> executions.Execution:
    """One that is there; those that ended did so in the order of their numbers."""
    made: executions.Execution = {
        "executionArn": f"arn:{number}",
        "status": status,
        "stopDate": None if status == "RUNNING" else f"2026-01-01T00:00:{number:02}Z",
        "events": [{"type": "ExecutionStarted"}],
    }
    stepfunctions._executions[made["executionArn"]] = made
    return made


def held() -> list[str]:
    return sorted(str(arn) for arn in stepfunctions._executions)


def test_the_oldest_of_those_that_have_ended_are_forgotten() -> None:
    execution(0, "RUNNING")
    kept = Executions(lambda service: None)
    for number in range(1, 6):
        kept.note_end(execution(number))
    assert held() == ["arn:0", "arn:3", "arn:4", "arn:5"]


def test_those_of_before_a_start_count() -> None:
    for number in (3, 1, 2):
        execution(number)
    kept = Executions(lambda service: None)
    kept.resume()
    kept.note_end(execution(4))
    assert held() == ["arn:2", "arn:3", "arn:4"]

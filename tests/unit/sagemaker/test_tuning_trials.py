"""How the training jobs of a tuning job are counted and compared."""

from typing import Any

import pytest

from localaws.sagemaker.tuning_trials import Objective, best_of, counters, not_improving, tried

LEAST = Objective("loss", "Minimize")
MOST = Objective("loss", "Maximize")


def trial(
    number: int, value: float | None, status: str = "Completed", **members: Any
) -> dict[str, Any]:
    metric = {"Type": "Minimize", "MetricName": "loss", "Value": value}
    final = {} if value is None else {"FinalHyperParameterTuningJobObjectiveMetric": metric}
    objective = "Pending" if status == "InProgress" else "Failed" if value is None else "Succeeded"
    return {
        "TrainingJobName": f"job-{number:03}",
        "TunedHyperParameters": {"n": str(number)},
        "TrainingJobStatus": status,
        "TrainingEndTime": number,
        "ObjectiveStatus": objective,
        **final,
        **members,
    }


TRIALS = [trial(1, 3.0), trial(2, 1.0), trial(3, 0.5, "Stopped"), trial(4, 2.0), trial(5, None)]


@pytest.mark.parametrize(("objective", "number"), [(LEAST, "2"), (MOST, "1")])
def test_the_best_is_a_completed_one(objective: Objective, number: str) -> None:
    best = best_of(TRIALS, objective)
    assert best is not None
    assert best["TunedHyperParameters"] == {"n": number}


def test_there_is_no_best_without_an_objective() -> None:
    assert best_of([trial(1, None), trial(2, None, "InProgress")], LEAST) is None


def test_those_that_ended_since_the_best_did_not_improve() -> None:
    assert not_improving([], LEAST) == 0
    assert not_improving(TRIALS, LEAST) == 2
    assert not_improving(TRIALS, MOST) == 4


def test_a_search_learns_that_less_is_better() -> None:
    assert [each.objective for each in tried(TRIALS[:2], MOST)] == [-3.0, -1.0]


def test_they_are_counted_by_how_they_ended() -> None:
    interrupted = trial(6, None, "Failed", FailureReason="InternalServerError: localaws stopped")
    failed = trial(7, None, "Failed", FailureReason="AlgorithmError: it was to fail")
    counted = counters([*TRIALS, interrupted, failed, trial(8, None, "InProgress")])
    assert counted["TrainingJobStatusCounters"] == {
        "Completed": 4,
        "InProgress": 1,
        "RetryableError": 1,
        "NonRetryableError": 1,
        "Stopped": 1,
    }
    assert counted["ObjectiveStatusCounters"] == {"Succeeded": 4, "Pending": 1, "Failed": 3}

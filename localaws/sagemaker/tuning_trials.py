"""The training jobs of tuning jobs: what each tries, how it ended, and which was best."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from localaws.backend import Scope
from localaws.jobs.tuning.search import Trial, Values
from localaws.sagemaker.job_family import UNFINISHED, Record
from localaws.sagemaker.resources import present
from localaws.sagemaker.store import ResourceStore
from localaws.sagemaker.training_jobs import TrainingJobs

_OF_THE_JOB = (
    "TrainingJobArn",
    "CreationTime",
    "TrainingStartTime",
    "TrainingEndTime",
    "TrainingJobStatus",
    "FailureReason",
)
_COUNTED = ("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped")
INTERNAL = "InternalServerError"

Summary = dict[str, Any]
"""A HyperParameterTrainingJobSummary."""


@dataclass(frozen=True)
class Objective:
    """HyperParameterTuningJobObjective: a metric, and whether more of it is better."""

    metric: str
    type: str

    @classmethod
    def of(cls, config: Record) -> "Objective":
        """The one of a HyperParameterTuningJobConfig."""
        given = config["HyperParameterTuningJobObjective"]
        return cls(given["MetricName"], given["Type"])

    def loss(self, value: float) -> float:
        """Less is better."""
        return -value if self.type == "Maximize" else value


class TuningTrials:
    """Summaries by tuning job, kept beside the training jobs, which may be deleted."""

    def __init__(self, store: ResourceStore, training_jobs: TrainingJobs) -> None:
        self._store = store
        self._training_jobs = training_jobs

    def add(self, scope: Scope, tuning_job: str, name: str, tuned: Values) -> None:
        """Keep that a training job is about to be created."""
        trial = {"TrainingJobName": name, "TunedHyperParameters": dict(tuned)}
        self._store.put(_kind(tuning_job), scope, name, trial)

    def all(self, scope: Scope, tuning_job: str, objective: Objective) -> list[Summary]:
        """In the order of their creation; what has ended is kept as it is then."""
        found = []
        for trial in self._store.list(_kind(tuning_job), scope):
            if trial.get("ObjectiveStatus", "Pending") == "Pending":
                job = self._training_jobs.find(scope, trial["TrainingJobName"])
                if job is None:
                    continue  # a kill came between the trial and its job
                trial = _summary(trial, job, objective)
                if trial["ObjectiveStatus"] != "Pending":
                    self._store.put(_kind(tuning_job), scope, trial["TrainingJobName"], trial)
            found.append(trial)
        return found

    def forget(self, scope: Scope, tuning_job: str) -> None:
        """Drop those of a tuning job."""
        for trial in self._store.list(_kind(tuning_job), scope):
            self._store.delete(_kind(tuning_job), scope, trial["TrainingJobName"])


def tried(summaries: Iterable[Summary], objective: Objective) -> list[Trial]:
    """What a search learns from; a job without an objective is as one that still runs."""
    return [Trial(each["TunedHyperParameters"], _loss(each, objective)) for each in summaries]


def best_of(summaries: Iterable[Summary], objective: Objective) -> Summary | None:
    """The completed job with the best objective; of equal ones the first."""
    known = [each for each in summaries if each["TrainingJobStatus"] == "Completed"]
    losses = [(loss, each) for each in known if (loss := _loss(each, objective)) is not None]
    return min(losses, key=lambda pair: pair[0])[1] if losses else None


def not_improving(summaries: Iterable[Summary], objective: Objective) -> int:
    """How many ended since the best one."""
    count, best = 0, None
    ended = [each for each in summaries if each["ObjectiveStatus"] != "Pending"]
    for each in sorted(ended, key=lambda each: float(each.get("TrainingEndTime", 0))):
        loss = _loss(each, objective)
        better = loss is not None and (best is None or loss < best)
        best, count = (loss, 0) if better else (best, count + 1)
    return count


def counters(summaries: Sequence[Summary]) -> dict[str, dict[str, int]]:
    """TrainingJobStatusCounters and ObjectiveStatusCounters."""
    statuses = Counter(_counted_as(each) for each in summaries)
    objectives = Counter(each["ObjectiveStatus"] for each in summaries)
    return {
        "TrainingJobStatusCounters": {name: statuses[name] for name in _COUNTED},
        "ObjectiveStatusCounters": {
            name: objectives[name] for name in ("Succeeded", "Pending", "Failed")
        },
    }


def _counted_as(summary: Summary) -> str:
    match summary["TrainingJobStatus"]:
        case "Failed" if summary.get("FailureReason", "").startswith(INTERNAL):
            return "RetryableError"
        case "Failed":
            return "NonRetryableError"
        case "Completed" | "Stopped" as status:
            return str(status)
        case _:
            return "InProgress"


def _summary(trial: Summary, job: Record, objective: Objective) -> Summary:
    metric = next(
        (m for m in job.get("FinalMetricDataList", []) if m["MetricName"] == objective.metric), None
    )
    final = metric and {
        "Type": objective.type,
        "MetricName": objective.metric,
        "Value": metric["Value"],
    }
    ended = "Succeeded" if metric else "Failed"
    return present(
        {
            **trial,
            **{member: job.get(member) for member in _OF_THE_JOB},
            "FinalHyperParameterTuningJobObjectiveMetric": final,
            "ObjectiveStatus": "Pending" if job["TrainingJobStatus"] in UNFINISHED else ended,
        }
    )


def _loss(summary: Summary, objective: Objective) -> float | None:
    final = summary.get("FinalHyperParameterTuningJobObjectiveMetric")
    return None if final is None else objective.loss(final["Value"])


def _kind(tuning_job: str) -> str:
    return f"tuning-trial/{tuning_job.lower()}"

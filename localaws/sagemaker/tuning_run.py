"""One tuning job at work: launches training jobs, learns from those that end, until it is over."""

import contextlib
import queue
import secrets
import time
from collections.abc import Callable
from functools import partial

from localaws.backend import Scope
from localaws.containers.contract import JobError
from localaws.errors import AwsError
from localaws.jobs.processes import StopSignal
from localaws.jobs.tuning.ranges import Range
from localaws.jobs.tuning.search import search_of
from localaws.sagemaker.resources import Request
from localaws.sagemaker.training_jobs import TrainingJobs
from localaws.sagemaker.tuning_requests import most_training_jobs, training_request
from localaws.sagemaker.tuning_trials import (
    Objective,
    Summary,
    TuningTrials,
    best_of,
    not_improving,
    tried,
)

LOOK_SECONDS = 0.2
"""Between two looks whether the job is to stop."""
HOPELESS_AFTER = 5
"""Training jobs without one that succeeded: a job that goes wrong so often ends here, as on AWS."""


class TuningRun:
    """Runs one tuning job.

    ``report`` is called whenever a training job was launched or has ended; ``stop`` ends the job
    and all of its training jobs.
    """

    def __init__(
        self,
        scope: Scope,
        request: Request,
        arn: str,
        ranges: list[Range],
        training_jobs: TrainingJobs,
        trials: TuningTrials,
        report: Callable[[], None],
        stop: StopSignal,
    ) -> None:
        config = request["HyperParameterTuningJobConfig"]
        self._scope = scope
        self._request = request
        self._name = request["HyperParameterTuningJobName"]
        self._arn = arn
        self._training_jobs = training_jobs
        self._trials = trials
        self._report = report
        self._stop = stop
        self._objective = Objective.of(config)
        self._criteria = config.get("TuningJobCompletionCriteria", {})
        self._limits = config["ResourceLimits"]
        self._most = most_training_jobs(request, ranges)
        self._search = search_of(config["Strategy"], ranges, config.get("RandomSeed"))
        self._deadline = time.monotonic() + self._limits.get("MaxRuntimeInSeconds", float("inf"))
        self._launched = 0
        self._running: set[str] = set()
        self._ended: queue.SimpleQueue[str] = queue.SimpleQueue()

    def run(self) -> str:
        """The status that the job ends with.

        Raises
        ------
        JobError
            When no training job succeeds.
        JobAbortedError
            When the service ends.
        """
        try:
            while not self._is_over():
                self._launch()
                if not self._running:
                    break
                self._wait()
        finally:
            self._end_running()
        if self._stop.stopped:
            return "Stopped"
        _refuse_hopeless(self._summaries(), at_least=1)
        return "Completed"

    def _summaries(self) -> list[Summary]:
        return self._trials.all(self._scope, self._name, self._objective)

    def _is_over(self) -> bool:
        if self._stop.stopped or time.monotonic() > self._deadline:
            return True
        summaries = self._summaries()
        _refuse_hopeless(summaries, HOPELESS_AFTER)
        best, target = (
            best_of(summaries, self._objective),
            self._criteria.get("TargetObjectiveMetricValue"),
        )
        if best is not None and target is not None:
            value = best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
            if self._objective.loss(value) <= self._objective.loss(target):
                return True
        patience = self._criteria.get("BestObjectiveNotImproving", {}).get(
            "MaxNumberOfTrainingJobsNotImproving"
        )
        return patience is not None and not_improving(summaries, self._objective) >= patience

    def _launch(self) -> None:
        """As many as may run at the same time."""
        while (
            self._launched < self._most
            and len(self._running) < self._limits["MaxParallelTrainingJobs"]
        ):
            tuned = self._search.propose(tried(self._summaries(), self._objective))
            if tuned is None:
                return
            self._launched += 1
            name = f"{self._name}-{self._launched:03}-{secrets.token_hex(4)}"
            self._trials.add(self._scope, self._name, name, tuned)
            request = training_request(self._request, name, tuned)
            self._running.add(name)
            ended = partial(self._ended.put, name)
            try:
                self._training_jobs.launch(self._scope, request, self._arn, ended)
            except BaseException:
                self._running.remove(name)
                raise
            self._report()

    def _wait(self) -> None:
        """Until a training job has ended, for a moment."""
        try:
            self._running.remove(self._ended.get(timeout=LOOK_SECONDS))
        except queue.Empty:
            return
        self._report()

    def _end_running(self) -> None:
        for name in self._running:
            with contextlib.suppress(AwsError):  # it has just ended
                self._training_jobs.stop_training_job(self._scope, {"TrainingJobName": name})
        while self._running:
            self._wait()
            _ = self._stop.stopped  # raises when the service ends, which no job outlives


def _refuse_hopeless(summaries: list[Summary], at_least: int) -> None:
    """In the service's words (github.com/aws/amazon-sagemaker-examples issue 2437)."""
    ended = [each for each in summaries if each["ObjectiveStatus"] != "Pending"]
    statuses = {each["TrainingJobStatus"] for each in ended}
    succeeded = any(each["ObjectiveStatus"] == "Succeeded" for each in ended)
    if len(ended) < at_least or succeeded or "Stopped" in statuses:
        return
    if "Completed" in statuses:
        raise JobError(
            f"No objective metrics found after running {len(ended)} training jobs. Please"
            " ensure that the custom algorithm is emitting the objective metric as defined by"
            " the regular expression provided."
        )
    raise JobError(
        f"No training job succeeded after {len(ended)} attempts. Please take a look at the"
        " training job failures to get more details."
    )

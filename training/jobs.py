"""Runs SageMaker jobs: some at a time, again after a failure, not again when they are done.

The name of a job carries a digest of everything that its result depends on. A job of that name that
is complete is therefore the result, and one that is under way is worth waiting for: AWS itself
remembers what has been done, and no file has to.
"""

import hashlib
import json
import random
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

MAX_NAME_LENGTH = 63
DIGEST_LENGTH = 12
POLL_SHARE = 0.1
SHORTEST_POLL = 0.1
LONGEST_POLL = 30.0
LONGEST_RETRY_WAIT = 60.0
MAX_START_RETRIES = 12
_BUSY = {
    "ResourceLimitExceeded",
    "ThrottlingException",
    "Throttling",
    "TooManyRequestsException",
    "RequestLimitExceeded",
}


class Status(StrEnum):
    """A job's status in DescribeTrainingJob and DescribeTransformJob."""

    IN_PROGRESS = "InProgress"
    STOPPING = "Stopping"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPED = "Stopped"


@dataclass(frozen=True)
class JobState:
    """What a Describe call says about a job."""

    status: Status
    failure_reason: str = ""
    description: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_final(self) -> bool:
        """Whether the status will not change any more."""
        return self.status in (Status.COMPLETED, Status.FAILED, Status.STOPPED)


class JobService(Protocol):
    """One kind of job in the SageMaker API."""

    def create(self, name: str, request: Mapping[str, Any]) -> None: ...

    def describe(self, name: str) -> JobState | None:
        """The job's state; None where there is no job of this name."""
        ...

    def stop(self, name: str) -> None: ...


@dataclass(frozen=True)
class Job:
    """A job to run.

    Parameters
    ----------
    label
        What it is called in progress and results, for example a city.
    stem
        The readable part of its name.
    request
        The CreateTrainingJob or CreateTransformJob request without the name. The name carries its
        digest, so that the URLs in it have to change with the data behind them.
    """

    label: str
    stem: str
    request: Mapping[str, Any]

    def name(self, attempt: int = 1) -> str:
        """``<stem>-<digest>``, and ``-2`` and so on from the second attempt."""
        content = json.dumps([self.label, self.request], sort_keys=True)
        digest = hashlib.sha256(content.encode()).hexdigest()[:DIGEST_LENGTH]
        ending = f"-{digest}" if attempt == 1 else f"-{digest}-{attempt}"
        stem = re.sub(r"[^A-Za-z0-9]+", "-", self.stem)[: MAX_NAME_LENGTH - len(ending)]
        return stem.strip("-") + ending


@dataclass(frozen=True)
class JobResult:
    """How a job ended; ``reused`` where an earlier run had completed it."""

    job: Job
    name: str
    state: JobState
    seconds: float = 0.0
    reused: bool = False

    @property
    def succeeded(self) -> bool:
        return self.state.status is Status.COMPLETED


@dataclass(frozen=True)
class JobEvent:
    """A change to show: ``what`` is ``started``, ``waiting``, ``joined`` or a final status."""

    label: str
    name: str
    what: str
    seconds: float = 0.0


@dataclass
class _Running:
    job: Job
    name: str
    started_here: bool
    started_at: float
    poll_at: float


class JobRunner:
    """Runs jobs of one kind.

    Parameters
    ----------
    service
        Training or transform jobs.
    max_in_flight
        How many may run at once; the account's own limit is respected beside it.
    report
        Called at each change.
    clock, sleep, jitter
        Time, and a random number between 0 and 1; replaced in tests.
    """

    def __init__(
        self,
        service: JobService,
        *,
        max_in_flight: int = 4,
        report: Callable[[JobEvent], None] = lambda event: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        if max_in_flight < 1:
            raise ValueError(f"max_in_flight is {max_in_flight}; at least 1 is needed")
        self._service = service
        self._max_in_flight = max_in_flight
        self._report = report
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter

    def run(self, jobs: Sequence[Job], *, again: bool = False) -> list[JobResult]:
        """Run all jobs and return their results in the order of ``jobs``.

        A job that fails leaves the others alone. Jobs that are complete already are not run unless
        ``again``. If this call is interrupted, the jobs that it started are stopped.
        """
        results: dict[int, JobResult] = {}
        waiting = list(enumerate(jobs))[::-1]
        running: dict[int, _Running] = {}
        retries = 0
        try:
            while waiting or running:
                while waiting and len(running) < self._max_in_flight:
                    index, job = waiting[-1]
                    try:
                        begun = self._begin(job, again)
                    except ClientError as error:
                        if not _is_busy(error) or (retries >= MAX_START_RETRIES and not running):
                            begun = _refused(job, error)
                        else:
                            retries += 1
                            self._wait_for_room(job, retries)
                            break
                    waiting.pop()
                    retries = 0
                    if isinstance(begun, JobResult):
                        results[index] = begun
                        self._report_result(begun)
                    else:
                        running[index] = begun
                for index, result in self._poll(running):
                    results[index] = result
                    del running[index]
                    self._report_result(result)
        except BaseException:
            self._stop(running.values())
            raise
        return [results[index] for index in range(len(jobs))]

    def _begin(self, job: Job, again: bool) -> "_Running | JobResult":
        """Start the job, or join or reuse one of its name."""
        attempt = 1
        while (state := self._service.describe(job.name(attempt))) is not None:
            name = job.name(attempt)
            if state.status is Status.COMPLETED and not again:
                return JobResult(job, name, state, reused=True)
            if state.status is Status.IN_PROGRESS:
                return self._running(job, name, started_here=False)
            attempt += 1
        name = job.name(attempt)
        self._service.create(name, job.request)
        return self._running(job, name, started_here=True)

    def _running(self, job: Job, name: str, *, started_here: bool) -> _Running:
        self._report(JobEvent(job.label, name, "started" if started_here else "joined"))
        now = self._clock()
        return _Running(job, name, started_here, started_at=now, poll_at=now + SHORTEST_POLL)

    def _poll(self, running: Mapping[int, _Running]) -> list[tuple[int, JobResult]]:
        """Sleep until the next job is due, and return those that have ended."""
        if not running:
            return []
        due = min(item.poll_at for item in running.values())
        self._sleep(max(0.0, due - self._clock()))
        now = self._clock()
        ended = []
        for index, item in running.items():
            if item.poll_at > now:
                continue
            state = self._service.describe(item.name)
            age = now - item.started_at
            if state is None:
                state = JobState(Status.FAILED, "the job does not exist any more")
            if state.is_final:
                ended.append((index, JobResult(item.job, item.name, state, age)))
            # Quick at first, slower for a job that takes its time.
            item.poll_at = now + min(max(POLL_SHARE * age, SHORTEST_POLL), LONGEST_POLL)
        return ended

    def _wait_for_room(self, job: Job, retries: int) -> None:
        self._report(JobEvent(job.label, job.name(), "waiting"))
        longest = min(LONGEST_RETRY_WAIT, 2.0 ** (retries - 1))
        self._sleep(longest * (0.5 + 0.5 * self._jitter()))

    def _stop(self, running: "Sequence[_Running] | Any") -> None:
        for item in running:
            if item.started_here:
                self._report(JobEvent(item.job.label, item.name, "stopping"))
                self._service.stop(item.name)

    def _report_result(self, result: JobResult) -> None:
        what = "reused" if result.reused else result.state.status.value
        self._report(JobEvent(result.job.label, result.name, what, result.seconds))


def _is_busy(error: ClientError) -> bool:
    return error.response["Error"]["Code"] in _BUSY


def _refused(job: Job, error: ClientError) -> JobResult:
    return JobResult(job, job.name(), JobState(Status.FAILED, str(error)))


class TrainingJobs:
    """Training jobs of the SageMaker API."""

    def __init__(self, client: "SageMakerClient") -> None:
        self._client = client

    def create(self, name: str, request: Mapping[str, Any]) -> None:
        self._client.create_training_job(TrainingJobName=name, **request)

    def describe(self, name: str) -> JobState | None:
        try:
            answer = self._client.describe_training_job(TrainingJobName=name)
        except ClientError as error:
            if _is_not_found(error):
                return None
            raise
        status = Status(answer["TrainingJobStatus"])
        return JobState(status, answer.get("FailureReason", ""), dict(answer))

    def stop(self, name: str) -> None:
        self._client.stop_training_job(TrainingJobName=name)


class TransformJobs:
    """Batch transform jobs of the SageMaker API."""

    def __init__(self, client: "SageMakerClient") -> None:
        self._client = client

    def create(self, name: str, request: Mapping[str, Any]) -> None:
        self._client.create_transform_job(TransformJobName=name, **request)

    def describe(self, name: str) -> JobState | None:
        try:
            answer = self._client.describe_transform_job(TransformJobName=name)
        except ClientError as error:
            if _is_not_found(error):
                return None
            raise
        status = Status(answer["TransformJobStatus"])
        return JobState(status, answer.get("FailureReason", ""), dict(answer))

    def stop(self, name: str) -> None:
        self._client.stop_transform_job(TransformJobName=name)


def _is_not_found(error: ClientError) -> bool:
    # DescribeTrainingJob answers "ValidationException: Requested resource not found.";
    # DescribeTransformJob documents ResourceNotFound.
    code = error.response["Error"]["Code"]
    message = error.response["Error"].get("Message", "")
    return code == "ResourceNotFound" or "not found" in message or "Could not find" in message

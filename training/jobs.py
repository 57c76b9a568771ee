"""Runs SageMaker jobs: some at a time, again after a failure, not again when they are done.

The name of a job carries a digest of everything that its result depends on. A job of that name that
is complete is therefore the result, and one that is under way is worth waiting for: AWS itself
remembers what has been done, and no file has to.
"""

import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from botocore.exceptions import ClientError

from training.job import Job, JobEvent, JobResult, JobService, JobState, Status

POLL_SHARE = 0.05
"""A job is looked at each time that its age has grown by this share."""
SHORTEST_POLL = 0.1
LONGEST_POLL = 30.0
LONGEST_RETRY_WAIT = 60.0
MAX_REFUSALS = 12
"""In a row, with nothing of ours in flight; that is about eight minutes."""
NO_QUOTA = "is 0 Instances"
"""What SageMaker says where waiting for room would be in vain."""
_BUSY = {
    "ResourceLimitExceeded",
    "ThrottlingException",
    "Throttling",
    "TooManyRequestsException",
    "RequestLimitExceeded",
}


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

    Raises
    ------
    ValueError
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
        self.service = service
        self.max_in_flight = max_in_flight
        self.report = report
        self.clock = clock
        self.sleep = sleep
        self.jitter = jitter

    def run(
        self,
        jobs: Sequence[Job],
        *,
        again: bool = False,
        is_usable: Callable[[JobState], bool] = lambda state: True,
    ) -> list[JobResult]:
        """Run all jobs and return their results in the order of ``jobs``.

        A job that fails leaves the others alone. If this call is interrupted, the jobs that it
        started are stopped.

        Parameters
        ----------
        jobs
            What to run. One that an earlier run completed is not run again.
        again
            Run also what is complete.
        is_usable
            Whether the result of a job that an earlier run completed is still there.
        """
        run = _Run(self, jobs, lambda state: not again and is_usable(state))
        try:
            while run.waiting or run.running:
                run.start_jobs()
                run.sleep_until_due()
                run.collect_ended()
        except BaseException:
            run.stop_started()
            raise
        return [run.results[index] for index in range(len(jobs))]


@dataclass
class _RunningJob:
    job: Job
    name: str
    started_here: bool
    started_at: float
    poll_at: float


class _Run:
    """The state of one call of ``JobRunner.run``; jobs are known by their index."""

    def __init__(
        self, runner: JobRunner, jobs: Sequence[Job], may_reuse: Callable[[JobState], bool]
    ) -> None:
        self.waiting = deque(enumerate(jobs))
        self.running: dict[int, _RunningJob] = {}
        self.results: dict[int, JobResult] = {}
        self._runner = runner
        self._may_reuse = may_reuse
        self._refusals = 0
        self._start_at = runner.clock()

    def start_jobs(self) -> None:
        """Start, join or reuse jobs while there is room for them."""
        while self._has_room():
            index, job = self.waiting[0]
            try:
                self._begin(index, job)
            except _RefusedError as refused:
                if self._is_to_be_retried(refused):
                    self._postpone(job)
                    return
                reason = str(refused.error)
                state = JobState(Status.FAILED, reason)
                self._end(index, JobResult(job, refused.name, state))
            self.waiting.popleft()
            self._refusals = 0

    def sleep_until_due(self) -> None:
        """Sleep until a job is to be looked at, or started."""
        due = [job.poll_at for job in self.running.values()]
        if self.waiting and len(self.running) < self._runner.max_in_flight:
            due.append(self._start_at)
        if due:
            self._runner.sleep(max(0.0, min(due) - self._runner.clock()))

    def collect_ended(self) -> None:
        """Look at the jobs that are due."""
        now = self._runner.clock()
        for index, running in list(self.running.items()):
            if running.poll_at <= now:
                self._look_at(index, running, now)

    def stop_started(self) -> None:
        """Stop what this run started."""
        for running in self.running.values():
            if not running.started_here:
                continue
            self._report(running.job, running.name, "stopping")
            # It may have ended, or never begun, in the meantime; the others are to be stopped.
            with suppress(ClientError):
                self._runner.service.stop(running.name)

    def _has_room(self) -> bool:
        return (
            bool(self.waiting)
            and len(self.running) < self._runner.max_in_flight
            and self._runner.clock() >= self._start_at
        )

    def _begin(self, index: int, job: Job) -> None:
        service = self._runner.service
        attempt = 1
        while True:
            name = job.name(attempt)
            state = service.describe(name)
            if state is None:
                if self._started(index, job, name):
                    return
                continue  # another program was quicker, and has the name
            if state.status is Status.COMPLETED and self._may_reuse(state):
                self._end(index, JobResult(job, name, state, reused=True))
                return
            if state.status is Status.IN_PROGRESS:
                self._add(index, job, name, started_here=False)
                self._report(job, name, "joined")
                return
            attempt += 1

    def _started(self, index: int, job: Job, name: str) -> bool:
        """Start a job; False when its name was taken meanwhile.

        Raises
        ------
        _RefusedError
        """
        # Known before it is created, so that an interruption in between stops it.
        self._add(index, job, name, started_here=True)
        try:
            self._runner.service.create(name, job.request)
        except ClientError as error:
            del self.running[index]
            if self._runner.service.describe(name) is not None:
                return False
            raise _RefusedError(name, error) from error
        self._report(job, name, "started")
        return True

    def _add(self, index: int, job: Job, name: str, *, started_here: bool) -> None:
        now = self._runner.clock()
        self.running[index] = _RunningJob(job, name, started_here, now, now + SHORTEST_POLL)

    def _is_to_be_retried(self, refused: "_RefusedError") -> bool:
        code, message = (refused.error.response["Error"][key] for key in ("Code", "Message"))
        return (
            code in _BUSY
            and NO_QUOTA not in message
            and (bool(self.running) or self._refusals < MAX_REFUSALS)
        )

    def _postpone(self, job: Job) -> None:
        self._refusals += 1
        longest = min(LONGEST_RETRY_WAIT, 2.0**self._refusals)
        # Jitter keeps two programs that were refused together from coming back together.
        self._start_at = self._runner.clock() + longest * (0.5 + 0.5 * self._runner.jitter())
        self._report(job, job.name(), "waiting for room in the account")

    def _look_at(self, index: int, running: _RunningJob, now: float) -> None:
        age = now - running.started_at
        state = self._runner.service.describe(running.name)
        if state is None:
            state = JobState(Status.FAILED, "the job does not exist any more")
        if state.is_final:
            del self.running[index]
            self._end(index, JobResult(running.job, running.name, state, age))
        # Quickly at first, more slowly where a job takes its time.
        running.poll_at = now + min(max(POLL_SHARE * age, SHORTEST_POLL), LONGEST_POLL)

    def _end(self, index: int, result: JobResult) -> None:
        self.results[index] = result
        what = "reused" if result.reused else result.state.status.value
        self._report(result.job, result.name, what, result.seconds)

    def _report(self, job: Job, name: str, what: str, seconds: float = 0.0) -> None:
        self._runner.report(JobEvent(job.label, name, what, seconds))


class _RefusedError(Exception):
    """SageMaker did not accept a job."""

    def __init__(self, name: str, error: ClientError) -> None:
        super().__init__(name)
        self.name = name
        self.error = error

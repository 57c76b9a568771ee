"""The runner against an account in memory, in simulated time."""

import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from training.job import Job, JobEvent, JobState, Status
from training.jobs import LONGEST_POLL, MAX_REFUSALS, JobRunner

CITIES = ("NewYork_NY", "Chicago_IL", "Houston_TX", "Dallas_TX", "Phoenix_AZ")


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Account:
    """Training jobs that take a while each; ``limit`` of them may be in progress."""

    clock: Clock = field(default_factory=Clock)
    duration: float = 10.0
    durations: Mapping[str, float] = field(default_factory=dict)
    limit: int = 100
    failures: Mapping[str, str] = field(default_factory=dict)
    started_at: dict[str, float] = field(default_factory=dict)
    states: dict[str, JobState] = field(default_factory=dict)
    stopped: list[str] = field(default_factory=list)
    looks: list[float] = field(default_factory=list)
    most_at_once: int = 0
    on_describe: Callable[[str], None] = lambda name: None

    def create(self, name: str, request: Mapping[str, Any]) -> None:
        if self._in_progress() >= self.limit:
            raise refusal("ResourceLimitExceeded")
        assert name not in self.states, "a job's name is taken for ever"
        self.started_at[name] = self.clock()
        self.states[name] = JobState(Status.IN_PROGRESS)
        self.most_at_once = max(self.most_at_once, self._in_progress())

    def describe(self, name: str) -> JobState | None:
        self.on_describe(name)
        self._advance()
        if name in self.states:
            self.looks.append(self.clock())
        return self.states.get(name)

    def stop(self, name: str) -> None:
        self.stopped.append(name)

    def _in_progress(self) -> int:
        self._advance()
        return sum(state.status is Status.IN_PROGRESS for state in self.states.values())

    def _advance(self) -> None:
        for name, state in self.states.items():
            begun = self.started_at.get(name)
            takes = next((s for part, s in self.durations.items() if part in name), self.duration)
            if state.is_final or begun is None or self.clock() < begun + takes:
                continue
            reason = next((r for part, r in self.failures.items() if part in name), "")
            status = Status.FAILED if reason else Status.COMPLETED
            self.states[name] = JobState(status, reason)


def refusal(code: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "CreateTrainingJob")


def jobs(*cities: str) -> list[Job]:
    return [Job(city, f"housing-dev-{city}", {"Image": "linear-learner"}) for city in cities]


def runner(account: Account, max_in_flight: int = 4, **keywords: Any) -> JobRunner:
    return JobRunner(
        account,
        max_in_flight=max_in_flight,
        clock=account.clock,
        sleep=account.clock.sleep,
        jitter=lambda: 0.5,
        **keywords,
    )


# Names


def test_a_name_says_what_the_job_is_and_ends_with_a_digest() -> None:
    [job] = jobs("NewYork_NY")
    assert job.name().startswith("housing-dev-NewYork-NY-")
    assert job.name() == jobs("NewYork_NY")[0].name()


def test_another_request_is_another_name() -> None:
    assert Job("a", "job", {"x": 1}).name() != Job("a", "job", {"x": 2}).name()


def test_cities_that_differ_in_a_character_that_names_lack_have_different_names() -> None:
    assert Job("New_York", "New_York", {}).name() != Job("New-York", "New-York", {}).name()


@given(stem=st.text(max_size=200), attempt=st.integers(1, 999))
def test_every_name_is_one_that_sagemaker_accepts(stem: str, attempt: int) -> None:
    # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
    name = Job(stem, stem, {}).name(attempt)
    assert len(name) <= 63
    assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9])*", name)


# Running


def test_results_come_in_the_order_of_the_jobs() -> None:
    results = runner(Account(), 2).run(jobs(*CITIES))
    assert [result.job.label for result in results] == list(CITIES)
    assert all(result.succeeded for result in results)


def test_at_most_so_many_are_in_flight() -> None:
    account = Account()
    runner(account, 2).run(jobs(*CITIES))
    assert account.most_at_once == 2


def test_the_end_of_a_short_job_is_seen_while_a_long_one_runs() -> None:
    account = Account(durations={"NewYork": 5000.0})
    results = {r.job.label: r for r in runner(account, 2).run(jobs(*CITIES))}
    assert all(results[city].seconds < 12.0 for city in CITIES[1:])


def test_a_failed_job_leaves_the_others_alone_and_tells_its_reason() -> None:
    account = Account(failures={"Houston": "AlgorithmError: no rows"})
    results = {r.job.label: r for r in runner(account).run(jobs(*CITIES))}
    assert results["Houston_TX"].state.failure_reason == "AlgorithmError: no rows"
    assert [city for city, r in results.items() if not r.succeeded] == ["Houston_TX"]


def test_a_refused_job_is_a_failed_one() -> None:
    account = Account()

    def refuse(name: str, request: Mapping[str, Any]) -> None:
        raise refusal("ValidationException")

    account.create = refuse  # type: ignore[method-assign]
    [result] = runner(account).run(jobs("Chicago_IL"))
    assert result.state.status is Status.FAILED
    assert "ValidationException" in result.state.failure_reason


def test_no_jobs_are_no_results() -> None:
    assert runner(Account()).run([]) == []


def test_at_least_one_job_must_be_allowed() -> None:
    with pytest.raises(ValueError, match="max_in_flight is 0; at least 1"):
        JobRunner(Account(), max_in_flight=0)


# Room in the account


def test_jobs_wait_for_room_in_the_account() -> None:
    account = Account(limit=1)
    results = runner(account, 4).run(jobs(*CITIES))
    assert all(result.succeeded for result in results)
    assert account.most_at_once == 1


@pytest.mark.parametrize(
    "code", ["ThrottlingException", "ResourceLimitExceeded", "TooManyRequestsException"]
)
def test_a_busy_service_is_tried_again(code: str) -> None:
    account = Account()
    create = account.create
    refusals = [refusal(code)] * 3

    def busy(name: str, request: Mapping[str, Any]) -> None:
        if refusals:
            raise refusals.pop()
        create(name, request)

    account.create = busy  # type: ignore[method-assign]
    [result] = runner(account).run(jobs("Chicago_IL"))
    assert result.succeeded


def test_an_account_without_instances_is_not_waited_for() -> None:
    account = Account()
    message = "The account-level service limit 'ml.m5.xlarge for training job usage' is 0 Instances"

    def refuse(name: str, request: Mapping[str, Any]) -> None:
        raise refusal("ResourceLimitExceeded", message)

    account.create = refuse  # type: ignore[method-assign]
    events: list[str] = []
    [result] = runner(account, report=lambda event: events.append(event.what)).run(jobs("Austin"))
    assert message in result.state.failure_reason
    assert not any(what.startswith("waiting") for what in events)


def test_retries_wait_longer_each_time_and_give_up_in_the_end() -> None:
    account = Account(limit=0)
    events: list[tuple[float, str]] = []

    def note(event: JobEvent) -> None:
        events.append((account.clock(), event.what))

    [result] = runner(account, report=note).run(jobs("Chicago_IL"))
    times = [at for at, what in events if what.startswith("waiting")]
    pauses = [b - a for a, b in itertools.pairwise(times)]
    assert "ResourceLimitExceeded" in result.state.failure_reason
    assert len(times) == MAX_REFUSALS
    assert pauses == sorted(pauses)
    assert pauses[0] < 2
    assert pauses[-1] > 40


# Polling


def test_polling_is_quick_at_first_and_slow_for_a_long_job() -> None:
    account = Account(duration=7200)
    runner(account).run(jobs("Chicago_IL"))
    pauses = [b - a for a, b in zip(account.looks, account.looks[1:], strict=False)]
    assert pauses[0] < 0.2
    assert max(pauses) == pytest.approx(LONGEST_POLL)
    assert len(pauses) < 7200 / LONGEST_POLL + 120


@pytest.mark.parametrize("duration", [0.5, 30, 300])
def test_a_job_is_found_to_have_ended_soon_after_it_has(duration: float) -> None:
    account = Account(duration=duration)
    runner(account).run(jobs("Chicago_IL"))
    assert account.clock() - duration <= 0.11 * duration + 0.1


# Running again


def test_a_second_run_reuses_what_is_complete() -> None:
    account = Account()
    runner(account).run(jobs(*CITIES))
    second = runner(account).run(jobs(*CITIES))
    assert all(result.reused for result in second)
    assert len(account.states) == len(CITIES)


def test_a_second_run_trains_again_when_asked() -> None:
    account = Account()
    [first] = runner(account).run(jobs("Chicago_IL"))
    [second] = runner(account).run(jobs("Chicago_IL"), again=True)
    assert second.name == f"{first.name}-2"
    assert second.succeeded
    assert not second.reused


def test_a_second_run_tries_a_failed_job_again() -> None:
    account = Account(failures={"Chicago": "AlgorithmError"})
    runner(account).run(jobs("Chicago_IL"))
    account.failures = {}
    [second] = runner(account).run(jobs("Chicago_IL"))
    assert second.succeeded
    assert second.name.endswith("-2")


def test_a_complete_job_whose_result_is_gone_runs_again() -> None:
    account = Account()
    runner(account).run(jobs("Chicago_IL"))
    [second] = runner(account).run(jobs("Chicago_IL"), is_usable=lambda state: False)
    assert second.succeeded
    assert not second.reused


def test_a_job_of_the_same_name_under_way_is_joined() -> None:
    account = Account()
    [job] = jobs("Chicago_IL")
    account.create(job.name(), {})
    [result] = runner(account).run([job])
    assert result.name == job.name()
    assert result.succeeded


# Interruption


def test_an_interruption_stops_what_was_started_and_nothing_else() -> None:
    account = Account()
    done, joined, started = jobs("NewYork_NY", "Chicago_IL", "Houston_TX")
    runner(account).run([done])
    account.create(joined.name(), {})

    def interrupt(name: str) -> None:
        if account.clock() > 12:
            raise KeyboardInterrupt

    account.on_describe = interrupt
    with pytest.raises(KeyboardInterrupt):
        runner(account).run([done, joined, started])
    assert account.stopped == [started.name()]


def test_an_interruption_while_a_job_is_created_stops_it() -> None:
    account = Account()
    create = account.create

    def interrupted(name: str, request: Mapping[str, Any]) -> None:
        create(name, request)
        raise KeyboardInterrupt

    account.create = interrupted  # type: ignore[method-assign]
    [job] = jobs("Chicago_IL")
    with pytest.raises(KeyboardInterrupt):
        runner(account).run([job])
    assert account.stopped == [job.name()]


def test_a_job_that_cannot_be_stopped_does_not_keep_the_others_running() -> None:
    account = Account()
    stopped: list[str] = []

    def stop(name: str) -> None:
        stopped.append(name)
        raise refusal("ValidationException")

    def interrupt(name: str) -> None:
        if account.clock() > 1:
            raise KeyboardInterrupt

    account.stop = stop  # type: ignore[method-assign]
    account.on_describe = interrupt
    with pytest.raises(KeyboardInterrupt):
        runner(account).run(jobs("NewYork_NY", "Chicago_IL"))
    assert len(stopped) == 2

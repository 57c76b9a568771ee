"""Jobs in the background."""

import threading

from localaws.jobs.executor import JobExecutor
from localaws.jobs.processes import Cores, JobAbortedError, StopSignal
from localaws.processes.client import Processes


class Job:
    """Waits until it is asked to end; ``ended`` says how."""

    def __init__(self) -> None:
        self.ended = ""
        self.done = threading.Event()

    def __call__(self, stop: StopSignal) -> None:
        try:
            while not stop.stopped:
                self.done.wait(0.005)
            self.ended = "stopped"
        except JobAbortedError:
            self.ended = "aborted"
        self.done.set()


def test_stop_reaches_the_job_of_that_key_alone() -> None:
    executor, one, two = JobExecutor(Cores(1), Processes()), Job(), Job()
    executor.start("one", one)
    executor.start("two", two)
    executor.stop("one")
    assert one.done.wait(10)
    assert (one.ended, two.ended) == ("stopped", "")
    executor.shut_down()


def test_shut_down_aborts_every_job_and_waits_for_it() -> None:
    executor, jobs = JobExecutor(Cores(1), Processes()), [Job(), Job()]
    for number, job in enumerate(jobs):
        executor.start(number, job)
    executor.shut_down()
    assert [job.ended for job in jobs] == ["aborted", "aborted"]


def test_a_key_can_be_used_again_after_its_job_has_ended() -> None:
    executor, first, second = JobExecutor(Cores(1), Processes()), Job(), Job()
    executor.start("key", first)
    executor.stop("key")
    first.done.wait(10)
    executor.start("key", second)
    executor.stop("key")
    assert second.done.wait(10)
    executor.shut_down()


def test_nothing_starts_after_shut_down() -> None:
    executor, job = JobExecutor(Cores(1), Processes()), Job()
    executor.shut_down()
    executor.start("late", job)
    assert not job.done.wait(0.05)


def test_stopping_a_job_that_is_not_there_does_nothing() -> None:
    JobExecutor(Cores(1), Processes()).stop("nothing")

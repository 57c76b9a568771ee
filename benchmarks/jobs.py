"""Serving beside training jobs: what a warm invocation takes while jobs keep every core busy.

Beside it stand the same busy processes without the priority that localaws gives to jobs.
"""

import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from urllib.parse import urlsplit

from botocore.credentials import Credentials

from benchmarks.figure import Figure
from benchmarks.http_load import Load, invocation, measure
from localaws.testing import LocalAws, temporary_localaws
from localaws.testing.hosting import make_hosting
from localaws.testing.jobs import (
    LINEAR_LEARNER,
    SCIKIT_LEARN,
    Jobs,
    houses_csv,
    make_jobs,
    source_archive,
)

ENDPOINT = "serving"
CORES = os.cpu_count() or 1
ROUNDS = 5
SECONDS = 2.0
SHORT_JOBS = 12 * CORES
"""More than end while they are measured."""

BUSY = "while True:\n    sum(range(1000))\n"
CITY = {
    "predictor_type": "regressor",
    "feature_dim": "10",
    "mini_batch_size": "100",
    "epochs": "10",
    "loss": "absolute_loss",
}
ROW = b"1988,3040.78,2,2.5,1.46,1,y,n"


def run() -> list[Figure]:
    """The median latency alone, and what it is multiplied by beside each kind of work."""
    with temporary_localaws() as aws:
        return _figures(aws)


def _figures(aws: LocalAws) -> list[Figure]:
    make_hosting(aws.session(), "hosting").deploy(ENDPOINT)
    work = Work(make_jobs(aws.session(), "jobs"))
    kinds: dict[str, Callable[[], AbstractContextManager[None]]] = {
        "alone": nullcontext,
        f"beside {CORES} jobs that never rest": work.endless_jobs,
        "beside a row of short Linear Learner jobs": work.short_jobs,
        f"beside {CORES} such processes of usual priority": usual_processes,
    }
    loads: dict[str, list[Load]] = {name: [] for name in kinds}
    _load(aws)
    for _ in range(ROUNDS):
        for name, busy in kinds.items():
            with busy():
                loads[name].append(_load(aws))
    return [figure for name in kinds for figure in _compare(name, loads[name], loads["alone"])]


def _compare(name: str, loads: list[Load], alone: list[Load]) -> Iterator[Figure]:
    for percentile in (50, 99):
        ours, beside = (
            statistics.median(load.percentile_milliseconds(percentile) for load in chosen)
            for chosen in (loads, alone)
        )
        yield Figure(
            f"warm invocation {name}, p{percentile}",
            ours,
            "ms",
            None if loads is alone else f"{ours / beside:.2f} times that alone",
        )


def _load(aws: LocalAws) -> Load:
    port = urlsplit(aws.endpoint_url).port or 0
    keys = aws.state.credentials
    credentials = Credentials(keys.access_key_id, keys.secret_access_key)
    request = invocation(port, credentials, ENDPOINT, "a.tar.gz", ROW)
    return measure(port, [request], connections=1, seconds=SECONDS)


@dataclass
class Work:
    """Jobs to measure beside; ``number`` makes their names."""

    jobs: Jobs
    number: int = 0

    @contextmanager
    def endless_jobs(self) -> Iterator[None]:
        """A script that never rests on every core."""
        archive = source_archive(train_py=f"print('busy', flush=True)\n{BUSY}")
        script = {
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": self.jobs.put("source/sourcedir.tar.gz", archive),
        }
        names = [self._create(SCIKIT_LEARN, script) for _ in range(CORES)]
        for name in names:
            self.jobs.wait_for_line("/aws/sagemaker/TrainingJobs", name, "busy")
        yield
        for name in names:
            self.jobs.sagemaker.stop_training_job(TrainingJobName=name)
        self._wait(names)

    @contextmanager
    def short_jobs(self) -> Iterator[None]:
        """One city after the other."""
        names = [self._create(LINEAR_LEARNER, CITY) for _ in range(SHORT_JOBS)]
        yield
        self._wait(names)

    def _create(self, image: str, hyperparameters: dict[str, str]) -> str:
        self.number += 1
        name = f"job-{self.number}"
        channel = {"train": self.jobs.put("data/train.csv", houses_csv(629))}
        self.jobs.sagemaker.create_training_job(
            **self.jobs.training_request(name, image, channel, HyperParameters=hyperparameters)
        )
        return name

    def _wait(self, names: list[str]) -> None:
        for name in names:
            self.jobs.wait_for_training(name)


@contextmanager
def usual_processes() -> Iterator[None]:
    """A process that never rests for every core, each in a session of its own as a job is."""
    processes = [
        subprocess.Popen([sys.executable, "-c", BUSY], start_new_session=True) for _ in range(CORES)
    ]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()

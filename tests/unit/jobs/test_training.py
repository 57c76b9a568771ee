"""One training job, with its store and its log in memory."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from localaws.backend import ObjectStore
from localaws.containers.contract import Exit, JobError, Program, TrainingHost
from localaws.containers.process_host import ProcessHost
from localaws.jobs.executor import JobExecutor
from localaws.jobs.processes import Cores, StopSignal
from localaws.jobs.training import LOG_GROUP, TrainingJob, TrainingOutcome, TrainingRun
from localaws.processes.launch import Launch
from localaws.testing.memory import BUCKET, ROLE, SCOPE, MemoryBackend

REQUEST = {
    "RoleArn": ROLE,
    "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
    "InputDataConfig": [
        {
            "ChannelName": "train",
            "DataSource": {
                "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/data/"}
            },
        }
    ],
    "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/jobs"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
}


class PythonImage:
    """Runs one line of Python, and another first where that is given."""

    one_process_for_all_hosts = False
    runs_entrypoints = True
    takes_metric_definitions = True
    metric_definitions: Mapping[str, str] = {}

    def __init__(self, source: str, first: str = "") -> None:
        self._source, self._first = source, first

    def training_program(self, host: TrainingHost, objects: ObjectStore) -> Program:
        def program(source: str, first: Program | None = None) -> Program:
            launch = Launch((sys.executable, "-c", source), {}, str(host.directory))
            return Program(launch, first=first)

        return program(self._source, program(self._first) if self._first else None)

    def container_exit(self, program: Program, program_exit: Exit) -> Exit:
        return program_exit


class Run:
    """A job named ``job`` and what it reported."""

    def __init__(self, directory: Path, host: ProcessHost) -> None:
        self._executor = JobExecutor(Cores(1), host.processes)
        self._directory = directory / "job"
        self.backend = MemoryBackend()
        self.backend.s3.objects["data/rows.csv"] = b"1,2\n"
        self.statuses: list[str] = []
        self.stop = StopSignal()

    def run(
        self, image: PythonImage, on_status: Callable[[str], None] = lambda status: None
    ) -> TrainingOutcome:
        def report(status: str) -> None:
            self.statuses.append(status)
            on_status(status)

        job = TrainingJob(SCOPE, "job", "arn:job", REQUEST, image, self._directory)
        return TrainingRun(job, self.backend, self._executor, report, self.stop).run()

    @property
    def lines(self) -> list[str]:
        """The log."""
        assert all(group == LOG_GROUP for group, _ in self.backend.lines)
        return [line for lines in self.backend.lines.values() for line in lines]


@pytest.fixture
def run(tmp_path: Path, process_host: ProcessHost) -> Run:
    return Run(tmp_path, process_host)


def test_what_comes_first_has_ended_before_the_program_runs(run: Run) -> None:
    outcome = run.run(PythonImage("print('second')", first="print('first')"))
    assert outcome.secondary_status == "Completed"
    assert run.lines == ["first", "second"]


def test_a_failure_of_what_comes_first_is_the_jobs(run: Run) -> None:
    with pytest.raises(JobError, match="AlgorithmError: no package, exit code: 1"):
        run.run(PythonImage("print('second')", first="raise SystemExit('no package')"))
    assert run.lines == ["no package"]


def test_a_job_that_is_stopped_while_it_downloads_never_runs(run: Run) -> None:
    def stop(status: str) -> None:
        run.stop.stop()

    assert run.run(PythonImage("print('ran')"), on_status=stop) == TrainingOutcome(
        "Stopped", None, ()
    )
    assert run.statuses == ["Downloading"]
    assert run.backend.s3.reads == []
    assert run.lines == []

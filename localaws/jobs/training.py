"""One training job, from its first channel to its model.tar.gz.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localaws.backend import Backend, MetricValues, ObjectStore, Scope
from localaws.containers import opt_ml
from localaws.containers.contract import (
    Exit,
    JobError,
    Program,
    TrainingHost,
    TrainingImage,
    algorithm_error,
    client_error,
)
from localaws.jobs.channels import download, read_channel
from localaws.jobs.executor import JobExecutor
from localaws.jobs.logs import FinalMetric, LogStream, MetricScanner, open_log_stream
from localaws.jobs.outputs import Checkpoints, ModelOutput
from localaws.jobs.processes import RunningProgram, StopSignal
from localaws.jobs.supervision import COMPLETED, STOPPED, Ending, Supervisor

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
METRIC_NAMESPACE = "/aws/sagemaker/TrainingJobs"
CUSTOMER_ERROR_EXIT_CODE = 2


@dataclass(frozen=True)
class TrainingJob:
    """A training job as CreateTrainingJob described it; ``directory`` is its own and new."""

    scope: Scope
    name: str
    arn: str
    request: Mapping[str, Any]
    image: TrainingImage
    directory: Path


@dataclass(frozen=True)
class TrainingOutcome:
    """How a job ended well: Completed, Stopped or MaxRuntimeExceeded.

    ``model_artifacts`` is None when it was stopped before it ran.
    """

    secondary_status: str
    model_artifacts: str | None
    metrics: tuple[FinalMetric, ...]


class TrainingRun:
    """Runs one training job.

    ``report`` is told each SecondaryStatus as it begins. ``stop`` ends the job early; what its
    containers then leave in the model folder is kept, as StopTrainingJob promises.
    """

    def __init__(
        self,
        job: TrainingJob,
        backend: Backend,
        executor: JobExecutor,
        report: Callable[[str], None],
        stop: StopSignal,
    ) -> None:
        self._job = job
        self._backend = backend
        self._cores = executor.cores
        self._processes = executor.processes
        self._report = report
        self._stop = stop
        self._metrics = MetricScanner(metric_definitions(job.request, job.image))

    def run(self) -> TrainingOutcome:
        """Raises ``JobError`` when the job fails; its directory is the caller's to remove."""
        objects = self._backend.object_store_as(self._job.request["RoleArn"])
        hosts = self._hosts()
        output = ModelOutput.of(self._job.name, self._job.request)
        checkpoints = Checkpoints.of(self._job.request)
        with self._cores.taken(len(hosts), self._stop) as taken:
            if not taken:
                return TrainingOutcome(STOPPED, None, ())
            self._report("Downloading")
            self._download(hosts, objects)
            checkpoints.restore(hosts, objects)
            if self._stop.stopped:
                return TrainingOutcome(STOPPED, None, ())
            self._report("Training")
            try:
                status = self._train(hosts, objects)
            finally:
                checkpoints.save(hosts, objects)
        self._report("Uploading")
        output.upload(hosts, objects)
        return TrainingOutcome(status, output.model_artifacts, self._metrics.final)

    def _hosts(self) -> list[TrainingHost]:
        request = self._job.request
        algorithm = request["AlgorithmSpecification"]
        count = request["ResourceConfig"].get("InstanceCount", 1)
        names = tuple(f"algo-{number}" for number in range(1, count + 1))
        if self._job.image.one_process_for_all_hosts:
            names = names[:1]
        return [
            TrainingHost(
                directory=self._job.directory / name,
                name=name,
                hosts=names,
                hyperparameters=request.get("HyperParameters", {}),
                environment={
                    **request.get("Environment", {}),
                    "TRAINING_JOB_NAME": self._job.name,
                    "TRAINING_JOB_ARN": self._job.arn,
                    "AWS_REGION": self._job.scope.region,
                    "AWS_DEFAULT_REGION": self._job.scope.region,
                },
                image=algorithm["TrainingImage"],
                entrypoint=(
                    *algorithm.get("ContainerEntrypoint", ()),
                    *algorithm.get("ContainerArguments", ()),
                ),
                without_opt_ml=self._processes.hint,
            )
            for name in names
        ]

    def _download(self, hosts: list[TrainingHost], objects: ObjectStore) -> None:
        definitions = self._job.request.get("InputDataConfig", [])
        channels = [read_channel(definition, objects) for definition in definitions]
        for index, host in enumerate(hosts):
            opt_ml.write(host, self._job.request)
            for channel in channels:
                files = channel.files_of_host(index, len(hosts))
                target = opt_ml.channel_directory(host, channel.name)
                if not self._stop.stopped:
                    download(files, target, objects, channel.gzipped)

    def _train(self, hosts: list[TrainingHost], objects: ObjectStore) -> str:
        """The secondary status that training ends with."""
        programs = [self._job.image.training_program(host, objects) for host in hosts]
        first = [program.first for program in programs if program.first]
        logs = self._open_logs(hosts)
        deadline = time.monotonic() + max_runtime_seconds(self._job.request)
        status = COMPLETED
        for stage in filter(None, (first, programs)):
            if status == COMPLETED:
                ending = self._run_together(stage, logs, deadline - time.monotonic())
                status = ending.status
                if ending.failure:
                    index = ending.failure.index
                    raise self._failure(hosts[index], stage[index], ending.failure.exit)
        return status

    def _run_together(
        self, programs: Sequence[Program], logs: Sequence[LogStream], seconds: float
    ) -> Ending:
        """Run one program for each host until all have ended, or are ended."""

        def tick() -> None:
            for log in logs:
                log.flush_now_and_then()
            self._publish_metrics()

        with ExitStack() as stack:
            stack.callback(self._publish_metrics)
            running = []
            for program, log in zip(programs, logs, strict=True):
                stack.callback(log.flush)
                for line in program.preamble:
                    log(line)
                running.append(
                    RunningProgram(program, self._line_sink(log), self._processes.starter)
                )
                stack.callback(running[-1].kill)
            return Supervisor(running, self._stop, seconds, tick).wait()

    def _open_logs(self, hosts: list[TrainingHost]) -> list[LogStream]:
        moment = time.time_ns() // 1_000_000
        return [
            open_log_stream(
                self._backend, self._job.scope, LOG_GROUP, f"{self._job.name}/{host.name}-{moment}"
            )
            for host in hosts
        ]

    def _line_sink(self, log: LogStream) -> Callable[[str], None]:
        def write(line: str) -> None:
            log(line)
            self._metrics.scan(line)

        return write

    def _publish_metrics(self) -> None:
        dimensions = {"TrainingJobName": self._job.name}
        values = [
            MetricValues(metric.name, dimensions, "None", metric.timestamp, [metric.value], [1])
            for metric in self._metrics.take_new()
        ]
        if values:
            self._backend.put_metrics(self._job.scope, METRIC_NAMESPACE, values)

    def _failure(self, host: TrainingHost, program: Program, program_exit: Exit) -> JobError:
        ended = self._job.image.container_exit(program, program_exit)
        text = f"{opt_ml.failure_text(host) or ended.text}, exit code: {ended.code}"
        if ended.code == CUSTOMER_ERROR_EXIT_CODE:
            return client_error(text)
        return algorithm_error(text)


def metric_definitions(request: Mapping[str, Any], image: TrainingImage) -> dict[str, str]:
    """The image's own metrics and those of the request: name to regular expression."""
    requested = request["AlgorithmSpecification"].get("MetricDefinitions", [])
    return {
        **image.metric_definitions,
        **{definition["Name"]: definition["Regex"] for definition in requested},
    }


def max_runtime_seconds(request: Mapping[str, Any]) -> float:
    """After this a job is stopped; one day unless the request says otherwise."""
    return float(request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", 86400))

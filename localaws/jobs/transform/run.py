"""One batch transform job, from its input objects to their answers in S3."""

import math
import os
import secrets
import shutil
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from localaws.artifacts import ArtifactError, unpack
from localaws.backend import Backend, ObjectStore, Scope
from localaws.containers.contract import (
    Exit,
    JobError,
    Program,
    algorithm_error,
    client_error,
    parse_location,
    read_object,
)
from localaws.containers.own_place import machine_variables
from localaws.jobs.channels import InputFile, download, list_files
from localaws.jobs.executor import JobExecutor
from localaws.jobs.logs import LogStream, open_log_stream
from localaws.jobs.outputs import upload
from localaws.jobs.processes import RunningProgram, StopSignal
from localaws.jobs.supervision import STOPPED, Ending, Supervisor
from localaws.jobs.transform import worker
from localaws.jobs.transform.records import (
    CODE_ARCHIVE,
    INPUT,
    MODEL,
    OUTPUT,
    ContainerPlan,
    FilePlan,
    TransformPlan,
    read_failures,
)
from localaws.processes.launch import Launch

LOG_GROUP = "/aws/sagemaker/TransformJobs"
MEBIBYTE = 2**20
SUBMIT_DIRECTORY = "SAGEMAKER_SUBMIT_DIRECTORY"
"""Where a script is: the process has no credentials, so what is in S3 is fetched for it."""


@dataclass(frozen=True)
class TransformJob:
    """A job as CreateTransformJob described it, with the model that it names."""

    scope: Scope
    name: str
    request: Mapping[str, Any]
    role_arn: str
    containers: tuple[Mapping[str, Any], ...]
    directory: Path


class TransformRun:
    """Runs one transform job; ``stop`` ends it early, and then nothing more is written."""

    def __init__(
        self, job: TransformJob, backend: Backend, executor: JobExecutor, stop: StopSignal
    ) -> None:
        self._job = job
        self._backend = backend
        self._cores = executor.cores
        self._processes = executor.processes
        self._stop = stop

    def run(self) -> str:
        """The status that the job ends with: Completed or Stopped.

        Raises
        ------
        JobError
            When it fails; the answers to files that did not fail are in S3 then.
        """
        try:
            with self._cores.taken(1, self._stop) as taken:
                return self._run() if taken else STOPPED
        finally:
            shutil.rmtree(self._job.directory, ignore_errors=True)

    def _run(self) -> str:
        objects = self._backend.object_store_as(self._job.role_arn)
        source = self._job.request["TransformInput"]["DataSource"]["S3DataSource"]
        files = list_files(source["S3DataType"], source["S3Uri"], objects)
        gzipped = self._job.request["TransformInput"].get("CompressionType") == "Gzip"
        download(files, self._job.directory / INPUT, objects, gzipped)
        self._plan(files, objects).write(self._job.directory)
        (self._job.directory / OUTPUT).mkdir()
        ending = self._transform()
        if ending.status != STOPPED:
            self._upload(objects)
        if ending.failure:
            raise self._failure(ending.failure.exit)
        return ending.status

    def _plan(self, files: list[InputFile], objects: ObjectStore) -> TransformPlan:
        request = self._job.request
        return TransformPlan(
            containers=[
                self._container(number, container, objects)
                for number, container in enumerate(self._job.containers, start=1)
            ],
            files=[FilePlan(f"{file.bucket}/{file.key}", str(file.path)) for file in files],
            content_type=request["TransformInput"].get("ContentType", ""),
            accept=request["TransformOutput"].get("Accept", ""),
            split_type=request["TransformInput"].get("SplitType", "None"),
            batch_strategy=batch_strategy(request),
            assemble_with=request["TransformOutput"].get("AssembleWith", "None"),
            maximum_payload_bytes=maximum_payload(request) * MEBIBYTE,
            invocations_timeout_seconds=invocations_timeout(request),
            data_processing=request.get("DataProcessing", {}),
            without_opt_ml=self._processes.hint,
        )

    def _container(
        self, number: int, container: Mapping[str, Any], objects: ObjectStore
    ) -> ContainerPlan:
        environment = {
            **container.get("Environment", {}),
            **self._job.request.get("Environment", {}),
            "SAGEMAKER_BATCH": "true",
            "SAGEMAKER_BATCH_STRATEGY": batch_strategy(self._job.request),
            "SAGEMAKER_MAX_PAYLOAD_IN_MB": str(maximum_payload(self._job.request)),
        }
        own = self._job.directory / f"container-{number}"
        own.mkdir()
        self._fetch_model(container.get("ModelDataUrl"), own / MODEL, objects)
        submitted = environment.get(SUBMIT_DIRECTORY, "")
        if submitted.startswith("s3://"):
            (self._job.directory / f"{own.name}-{CODE_ARCHIVE}").write_bytes(
                read_object(parse_location(submitted), objects)
            )
        return ContainerPlan(container["Image"], environment, own.name)

    def _fetch_model(self, url: str | None, directory: Path, objects: ObjectStore) -> None:
        if not url:
            directory.mkdir()
            return
        try:
            unpack(read_object(parse_location(url), objects), directory)
        except ArtifactError as error:
            raise client_error(f"Failed to extract model data archive {url}: {error}") from error

    def _transform(self) -> Ending:
        instance = f"i-{secrets.token_hex(8)}"
        stream = f"{self._job.name}/{instance}-{time.time_ns() // 1_000_000}"
        log, data_log = self._log(stream), self._log(f"{stream}/data-log")
        self._say(
            data_log,
            f"MaxConcurrentTransforms={self._job.request.get('MaxConcurrentTransforms', 1)}, "
            f"MaxPayloadInMB={maximum_payload(self._job.request)}, "
            f"BatchStrategy={_screaming(batch_strategy(self._job.request))}",
        )
        with ExitStack() as stack:
            stack.callback(log.flush)
            stack.callback(data_log.flush)
            stack.callback(self._say_failures, data_log)
            running = self._start(log)
            stack.callback(running.kill)
            return Supervisor([running], self._stop, math.inf, log.flush_now_and_then).wait()

    def _start(self, log: LogStream) -> RunningProgram:
        """Start the worker, which may start the processes of its containers itself."""
        directory = str(self._job.directory)
        kept = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
        environment = {**machine_variables(), **kept}
        launch = Launch((worker.__name__, directory), environment, directory, own=True)
        starter = self._processes.starter
        with starter.connection() as connection:
            program = Program(launch, descriptors=[connection.fileno()])
            return RunningProgram(program, log, starter)

    def _log(self, stream: str) -> LogStream:
        return open_log_stream(self._backend, self._job.scope, LOG_GROUP, stream)

    def _say_failures(self, log: LogStream) -> None:
        """As SageMaker does (github.com/aws/sagemaker-tensorflow-serving-container issue 93)."""
        for failure in read_failures(self._job.directory):
            status, _, message = failure.text.partition("\n")
            for text in (status, "", "Message:", message) if message else (status,):
                self._say(log, f"{failure.name}: {text}")

    def _say(self, log: LogStream, text: str) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")
        log(f"{now}:[sagemaker logs]: {text}")

    def _failure(self, ended: Exit) -> JobError:
        failures = read_failures(self._job.directory)
        if not failures:
            last = ended.text.rpartition("\n")[2] or "the containers ended without a word"
            return algorithm_error(f"{last}, exit code: {ended.code}")
        first = failures[0]
        records = f" ({first.records})" if first.records else ""
        place = f"{first.name}{records}: " if first.name else ""
        more = f" ({len(failures) - 1} more files failed)" if len(failures) > 1 else ""
        text = f"{place}{' '.join(first.text.split())}{more}. See job logs for more information"
        return client_error(text) if first.client else algorithm_error(text)

    def _upload(self, objects: ObjectStore) -> None:
        target = parse_location(self._job.request["TransformOutput"]["S3OutputPath"])
        output = self._job.directory / OUTPUT
        for path in sorted(output.rglob("*.out")):
            upload(path.read_bytes(), target.join(path.relative_to(output).as_posix()), objects)


def batch_strategy(request: Mapping[str, Any]) -> str:
    """As many records a request as fit, unless the job asks for one."""
    return str(request.get("BatchStrategy", "MultiRecord"))


def maximum_payload(request: Mapping[str, Any]) -> int:
    """MaxPayloadInMB; 0 means no limit, which is 100 here."""
    return int(request.get("MaxPayloadInMB", 6)) or 100


def invocations_timeout(request: Mapping[str, Any]) -> int:
    """How long containers may take for a request; ten minutes unless the job says otherwise."""
    return int(request.get("ModelClientConfig", {}).get("InvocationsTimeoutInSeconds", 600))


def _screaming(strategy: str) -> str:
    return {"MultiRecord": "MULTI_RECORD", "SingleRecord": "SINGLE_RECORD"}[strategy]

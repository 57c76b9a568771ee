"""The process of a transform job: starts the containers and sends every file through them.

``main`` is called with the job's folder. Descriptor 3 leads to the fork server, which starts the
containers' processes. What is printed here is the containers' log; what there is to say about files
goes to failures.json.
"""

import socket
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

from localaws.containers.contract import (
    ContainerRequest,
    ContainerResponse,
    ContainerSettings,
    ContainerStartError,
    Download,
    LoadedModel,
    ModelLoadError,
)
from localaws.containers.process_host import ProcessHost
from localaws.containers.registry import ContainerRegistry
from localaws.jobs.processes import NICENESS
from localaws.jobs.transform.data_processing import Association, AssociationError
from localaws.jobs.transform.records import (
    CODE_ARCHIVE,
    INPUT,
    MODEL,
    OUTPUT,
    Batch,
    FileFailure,
    FilePlan,
    RecordError,
    TransformPlan,
    assemble,
    batches,
    split,
    write_failures,
)
from localaws.processes.client import Processes, ProcessStarter

FORK_SERVER = 3
CONTAINER_FAILED = 1
FILES_FAILED = 2
NO_CONTENT = 204

Answer = TypeVar("Answer")


class BatchError(Exception):
    """A batch of records that could not be transformed; ``client`` is whether it is at fault."""

    def __init__(self, text: str, batch: Batch, client: bool) -> None:
        super().__init__(text)
        self.records = batch.place
        self.client = client


class Transformer:
    """Sends files through a model."""

    def __init__(self, plan: TransformPlan, models: Sequence[LoadedModel]) -> None:
        self._plan = plan
        self._models = models
        self._association = Association.of(plan.data_processing)

    def transform(self, data: bytes) -> bytes:
        """The file of answers to a file of records.

        Raises
        ------
        RecordError
            With the records at fault.
        BatchError
            With the records at fault.
        """
        plan = self._plan
        records = split(data, plan.split_type)
        requests = batches(
            records, plan.split_type, plan.batch_strategy, plan.maximum_payload_bytes
        )
        return assemble(
            (part for batch in requests for part in self._answer(batch)), plan.assemble_with
        )

    def _answer(self, batch: Batch) -> list[bytes]:
        try:
            return self._associated(batch)
        except AssociationError as error:
            raise BatchError(str(error), batch, client=True) from error

    def _associated(self, batch: Batch) -> list[bytes]:
        content_type = self._plan.content_type
        body = batch.body
        if not self._association.input_filter.selects_everything:
            filtered = [self._association.filter_record(r, content_type) for r in batch.records]
            body = b"\n".join(filtered)
        response = self._response(body, batch)
        if response.status == NO_CONTENT:
            return []
        if not self._association.changes_answers:
            return [response.body]
        return self._association.finish(
            batch.records, content_type, response.body, response.content_type
        )

    def _response(self, body: bytes, batch: Batch) -> ContainerResponse:
        """A container's answer that is no error and came in time; errors in SageMaker's words."""
        seconds = self._plan.invocations_timeout_seconds
        try:
            response = call_within(seconds, lambda: self._invoke(body))
        except TimeoutError as error:
            text = f"Unable to get response from algorithm: none within {seconds} seconds"
            raise BatchError(text, batch, client=False) from error
        if response.status >= 400:
            client = response.status < 500
            status = "ClientError" if client else "Bad HTTP status received from algorithm"
            message = response.body.decode("utf-8", "replace")
            raise BatchError(f"{status}: {response.status}\n{message}", batch, client)
        return response

    def _invoke(self, body: bytes) -> ContainerResponse:
        """Through the containers, up to the first error; the last one is told what is accepted."""
        response = ContainerResponse(body, self._plan.content_type)
        for number, model in enumerate(self._models, start=1):
            accept = self._plan.accept if number == len(self._models) else ""
            request = ContainerRequest(response.body, response.content_type, accept)
            response = model.invoke(request)
            if response.status >= 400:
                break
        return response


def main(folder: str) -> int:
    """The exit code: 0, or which of containers and files failed."""
    directory = Path(folder)
    plan = TransformPlan.read(directory)
    starter = ProcessStarter(socket.socket(fileno=FORK_SERVER))
    host = ProcessHost(Processes(starter, plan.without_opt_ml))
    host.use_own_loop()
    with ExitStack() as stack:
        stack.callback(host.close)
        try:
            models = _load_models(plan, directory, host, stack)
        except (ContainerStartError, ModelLoadError) as error:
            write_failures(directory, [FileFailure("", str(error), client=False)])
            return CONTAINER_FAILED
        transformer = Transformer(plan, models)
        failures = [
            failure
            for file in plan.files
            if (failure := _transform_file(transformer, file, directory)) is not None
        ]
    write_failures(directory, failures)
    return FILES_FAILED if failures else 0


def _load_models(
    plan: TransformPlan, directory: Path, host: ProcessHost, stack: ExitStack
) -> list[LoadedModel]:
    registry = ContainerRegistry.installed()
    models = []
    for container_plan in plan.containers:
        own = directory / container_plan.directory
        settings = ContainerSettings(
            image=container_plan.image,
            environment=container_plan.environment,
            directory=own,
            log=_log,
            download=_reader_of(directory / f"{own.name}-{CODE_ARCHIVE}"),
            host=host,
            timeout_seconds=plan.invocations_timeout_seconds,
            niceness=NICENESS,
        )
        container = registry.find(container_plan.image).container(settings)
        container.start()
        stack.callback(container.stop)
        models.append(container.load(own / MODEL))
        stack.callback(models[-1].close)
    return models


def _reader_of(archive: Path) -> Download:
    """What a container may download was fetched for it: a process has no credentials."""
    return lambda uri: archive.read_bytes()


def _transform_file(
    transformer: Transformer, file: FilePlan, directory: Path
) -> FileFailure | None:
    data = (directory / INPUT / file.path).read_bytes()
    try:
        output = transformer.transform(data)
    except BatchError as error:
        return FileFailure(file.name, str(error), error.client, error.records)
    except RecordError as error:
        return FileFailure(file.name, str(error), client=True)
    target = directory / OUTPUT / f"{file.path}.out"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(output)
    return None


def call_within(seconds: float, function: Callable[[], Answer]) -> Answer:
    """What a function returns or raises; ``TimeoutError`` when that takes longer.

    It then goes on, on a thread that does not keep the process alive.
    """
    answer: Future[Answer] = Future()

    def run() -> None:
        try:
            answer.set_result(function())
        except BaseException as error:  # Whatever it is, it is for the caller.
            answer.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return answer.result(seconds)


def _log(line: str) -> None:
    print(line, file=sys.__stdout__, flush=True)

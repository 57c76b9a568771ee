"""The image of SageMaker's scikit-learn container: script mode, for hosting and for training."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

from localaws.backend import ObjectStore
from localaws.containers import scikit_learn_training
from localaws.containers.contract import (
    ContainerRequest,
    ContainerResponse,
    ContainerSettings,
    ContainerStartError,
    Exit,
    Program,
    RemoteModel,
    TrainingHost,
)
from localaws.containers.image_versions import Interpreters
from localaws.containers.own_place import OwnPlace, hint_without_opt_ml
from localaws.containers.process_host import ProcessHost
from localaws.containers.registry import repository_of
from localaws.containers.scikit_learn_code import (
    REQUIREMENTS,
    SUBMIT_DIRECTORY,
    CodeError,
    bring_code,
    find_program,
    image_variables,
    may_start_warm,
)
from localaws.containers.worker import Worker, WorkerOwner, run_to_end, start_worker
from localaws.containers.worker_pool import WorkerPool

MODEL_MEMORY_BYTES = 200 * 2**20
"""A guess, for models of multi-model containers: an interpreter with scikit-learn for each, as in
Multi Model Server."""

PROGRAM = "SAGEMAKER_PROGRAM"
DEFAULT_ACCEPT = "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT"
WORKERS = "SAGEMAKER_MODEL_SERVER_WORKERS"
MAXIMUM_WORKERS = 8
"""The real container has one for each core, and in each of them a thousand greenlets: scripts that
wait for something answer many requests at once."""
MULTI_MODEL = "SAGEMAKER_MULTI_MODEL"
JSON = "application/json"
WORKER = "sagemaker_sklearn_container.worker"


class ServedModel(RemoteModel):
    """A model with its script, in processes of their own."""

    def __init__(self, pool: WorkerPool, host: ProcessHost) -> None:
        super().__init__(host.loop)
        self._pool = pool

    def submit(self, request: ContainerRequest) -> "asyncio.Future[ContainerResponse]":
        return self._pool.submit(request)

    def close(self) -> None:
        self._pool.close()


class ScikitLearnContainer:
    """One running container; its code has processes of its own.

    In SingleModel mode one script with its model, in MultiModel mode one script for all models,
    each in a process.
    """

    blocking = True

    def __init__(
        self, settings: ContainerSettings, host: ProcessHost, interpreters: Interpreters
    ) -> None:
        self._settings = settings
        self._interpreters = interpreters
        self._host = host
        self._place = OwnPlace.beside(settings.directory, host.processes.hint)
        self._variables: Mapping[str, str] = {
            **image_variables(settings.image),
            **({MULTI_MODEL: "true"} if settings.is_multi_model else {}),
            **settings.environment,
        }

    def start(self) -> None:
        """Bring the code and make the environment.

        Raises
        ------
        ContainerStartError
            Where the container would end before its first ping.
        """
        if not self._place.mounted:
            self._settings.log(hint_without_opt_ml(self._host.processes.hint))
        self._place.opt_ml.mkdir(parents=True, exist_ok=True)
        try:
            self._code = self._bring_code()
        except CodeError as error:
            raise ContainerStartError(f"{SUBMIT_DIRECTORY}: {error}") from error
        interpreter = self._interpreters.of(self._settings.image, self._settings.log)
        self._python = self._place.create_python(interpreter)
        self._warm = interpreter.is_ours and may_start_warm(self._code, self._settings.environment)
        if (self._code / REQUIREMENTS).is_file():
            self._install_requirements()

    def load(self, model_directory: Path) -> ServedModel:
        """Import the script and call its ``model_fn``, in a process.

        Raises
        ------
        ModelLoadError
            With the reason of either.
        """
        settings = self._settings
        multi_model = settings.is_multi_model
        code = [self._place.inside(self._code)]
        if multi_model:
            code.append(self._place.inside(model_directory / "code"))
        arguments = {
            "program": self._variables[PROGRAM],
            "paths": code,
            "model": self._place.inside(model_directory),
            "accept": self._variables.get(DEFAULT_ACCEPT, JSON),
            "multi_model": multi_model,
        }
        launch = self._place.launch(
            self._python,
            ["-m", WORKER, json.dumps(arguments)],
            self._variables,
            warm=self._warm,
            niceness=settings.niceness,
        )

        def start(owner: WorkerOwner) -> Worker:
            return start_worker(self._host, launch, settings.log, owner, settings.start_seconds)

        pool = WorkerPool(
            self._host,
            start,
            limit=1 if multi_model else self._workers(),
            timeout_seconds=settings.timeout_seconds,
            log=settings.log,
        )
        pool.start()
        return ServedModel(pool, self._host)

    def stop(self) -> None:
        """The processes end with the models."""

    def _bring_code(self) -> Path:
        settings = self._settings
        program = settings.environment.get(PROGRAM, "")
        if not program:
            raise ContainerStartError(f"{PROGRAM} is not set: there is no script to run")
        submitted = settings.environment.get(SUBMIT_DIRECTORY, "")
        code = bring_code(submitted, self._place.opt_ml, settings.download or _no_download)
        find_program(f"{program.removesuffix('.py')}.py", submitted, code)
        return code

    def _workers(self) -> int:
        given = self._variables.get(WORKERS, "")
        return max(1, int(given)) if given.isdecimal() else MAXIMUM_WORKERS

    def _install_requirements(self) -> None:
        arguments = ["-m", "pip", "install", "-r", self._place.inside(self._code / REQUIREMENTS)]
        launch = self._place.launch(
            self._python, arguments, self._variables, directory=self._place.inside(self._code)
        )
        settings = self._settings
        if code := run_to_end(self._host, launch, settings.log, settings.start_seconds):
            raise ContainerStartError(f"pip install -r {REQUIREMENTS} ended with {code}")


def _no_download(uri: str) -> bytes:
    raise ValueError("it cannot be read here")


class ScikitLearnImage:
    """``<registry>/sagemaker-scikit-learn:<tag>``."""

    repository = "sagemaker-scikit-learn"
    supports_multi_model = True
    model_memory_bytes = MODEL_MEMORY_BYTES
    one_process_for_all_hosts = False
    runs_entrypoints = True
    takes_metric_definitions = True
    metric_definitions: Mapping[str, str] = {}

    def __init__(self, interpreters: Interpreters | None = None) -> None:
        self._interpreters = interpreters or Interpreters()

    def matches(self, image_uri: str) -> bool:
        return repository_of(image_uri) == self.repository

    def container(self, settings: ContainerSettings) -> ScikitLearnContainer:
        if settings.host is None:
            raise ContainerStartError("there is no host for its processes")
        return ScikitLearnContainer(settings, settings.host, self._interpreters)

    def training_program(self, host: TrainingHost, objects: ObjectStore) -> Program:
        return scikit_learn_training.prepare(host, objects, self._interpreters)

    def container_exit(self, program: Program, program_exit: Exit) -> Exit:
        return scikit_learn_training.toolkit_exit(program, program_exit)


IMAGE = ScikitLearnImage()

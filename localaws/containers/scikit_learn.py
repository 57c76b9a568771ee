"""The image of SageMaker's scikit-learn container: script mode, for hosting and for training."""

import posixpath
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from localaws.artifacts import ArtifactError, unpack
from localaws.backend import ObjectStore
from localaws.containers import scikit_learn_training
from localaws.containers.contract import (
    ContainerSettings,
    Exit,
    ModelLoadError,
    Program,
    TrainingHost,
)
from localaws.containers.registry import repository_of
from localaws.containers.scikit_learn_script import (
    Script,
    ScriptError,
    ServedModel,
    ServingSettings,
)
from localaws.errors import AwsError

MODEL_MEMORY_BYTES = 200 * 2**20
"""A guess that nothing rests on: only models of multi-model containers are accounted."""

PROGRAM = "SAGEMAKER_PROGRAM"
SUBMIT_DIRECTORY = "SAGEMAKER_SUBMIT_DIRECTORY"
DEFAULT_ACCEPT = "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT"
CONTAINER_MODEL_DIRECTORY = "/opt/ml/model"


class ScikitLearnContainer:
    """One container in SingleModel mode: it runs the script that comes with its model."""

    blocking = True

    def __init__(self, settings: ContainerSettings) -> None:
        self._settings = settings

    def start(self) -> None:
        """The script is imported with its model, when that is loaded."""

    def load(self, model_directory: Path) -> ServedModel:
        """Import the script and call its ``model_fn``.

        Raises ``ModelLoadError``: the container does both before it answers its first ping.
        """
        environment = self._settings.environment
        program = environment.get(PROGRAM)
        if not program:
            raise ModelLoadError(f"{PROGRAM} is not set: there is no script to run")
        code = _code_directory(self._settings, model_directory)
        settings = ServingSettings(
            default_accept=environment.get(DEFAULT_ACCEPT, "application/json"),
            environment=environment,
            log=self._settings.log,
        )
        try:
            return Script(code, program, settings).load_model(model_directory)
        except ScriptError as error:
            self._settings.log(str(error).rstrip())
            raise ModelLoadError(str(error).splitlines()[-1]) from error

    def stop(self) -> None:
        """Nothing to free."""


class ScikitLearnImage:
    """``<registry>/sagemaker-scikit-learn:<tag>``."""

    supports_multi_model = False
    model_memory_bytes = MODEL_MEMORY_BYTES
    one_process_for_all_hosts = False
    metric_definitions: Mapping[str, str] = {}

    def matches(self, image_uri: str) -> bool:
        return repository_of(image_uri) == "sagemaker-scikit-learn"

    def container(self, settings: ContainerSettings) -> ScikitLearnContainer:
        return ScikitLearnContainer(settings)

    def training_program(self, host: TrainingHost, objects: ObjectStore) -> Program:
        return scikit_learn_training.prepare(host, objects)

    def container_exit(self, program: Program, program_exit: Exit) -> Exit:
        return scikit_learn_training.toolkit_exit(program, program_exit)


def _code_directory(settings: ContainerSettings, model_directory: Path) -> Path:
    """The folder of the script: inside of the model, or fetched from S3 and laid beside it.

    Both are what the SageMaker SDK makes: the first for isolated models, the second for others.
    """
    submitted = settings.environment.get(SUBMIT_DIRECTORY, f"{CONTAINER_MODEL_DIRECTORY}/code")
    if submitted.startswith("s3://"):
        return _fetched_code(settings, submitted, model_directory.parent / "code")
    path = PurePosixPath(posixpath.normpath(submitted))
    if not path.is_relative_to(CONTAINER_MODEL_DIRECTORY):
        raise ModelLoadError(
            f"{SUBMIT_DIRECTORY} is {submitted}; it must begin with s3:// or be in "
            f"{CONTAINER_MODEL_DIRECTORY}"
        )
    return model_directory / path.relative_to(CONTAINER_MODEL_DIRECTORY)


def _fetched_code(settings: ContainerSettings, submitted: str, directory: Path) -> Path:
    if settings.download is None:
        raise ModelLoadError(f"{SUBMIT_DIRECTORY} {submitted} cannot be read here")
    try:
        unpack(settings.download(submitted), directory)
    except (AwsError, ArtifactError, ValueError) as error:
        raise ModelLoadError(f"{SUBMIT_DIRECTORY} {submitted}: {error}") from error
    return directory


IMAGE = ScikitLearnImage()

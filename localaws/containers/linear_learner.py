"""The image of SageMaker's built-in Linear Learner: hosting, and how its training is started."""

import json
from collections.abc import Mapping
from pathlib import Path

from localaws.backend import ObjectStore
from localaws.containers import linear_learner_training
from localaws.containers.contract import (
    ContainerRequest,
    ContainerResponse,
    ContainerSettings,
    Exit,
    LogSink,
    ModelLoadError,
    Program,
    TrainingHost,
)
from localaws.containers.own_place import machine_variables
from localaws.containers.registry import repository_of
from localaws.processes.launch import Launch
from training.linear_learner.artifact import ArtifactError, read_model_directory
from training.linear_learner.model import LinearModel, PredictorType
from training.linear_learner.predictor import FeatureDimensionError, predict
from training.linear_learner.single_row import SingleRow
from training.linear_learner.wire import RequestError, decode_request, encode_predictions

ANY = "*/*"
JSON = "application/json"
DEFAULT_ACCEPT_VARIABLE = "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT"
BAD_PAYLOAD = "unable to evaluate payload provided"
"""What the real container answers to rows that it cannot score
(https://github.com/aws/amazon-sagemaker-examples/issues/1881)."""

MODEL_MEMORY_BYTES = int(101.5 * 2**20)
"""What a loaded model takes on the real instance: 121 of them filled an ml.m4.xlarge to 79 % in
the charts of AWS's notebook linear_learner_multi_model_endpoint_inf_pipeline."""

METRIC_DEFINITIONS = Path(__file__).with_name("linear_learner_metric_definitions.json")
"""What DescribeTrainingJob answers for this image: metric name to regular expression."""


class LinearLearnerModel:
    """One model in memory."""

    __slots__ = ("_default_accept", "_log", "_model", "_single_row")

    def __init__(self, model: LinearModel, default_accept: str, log: LogSink) -> None:
        self._model = model
        is_regressor = model.predictor_type is PredictorType.REGRESSOR
        self._single_row = SingleRow(model) if is_regressor else None
        self._default_accept = default_accept
        self._log = log

    def invoke(self, request: ContainerRequest) -> ContainerResponse:
        accept = self._default_accept if request.accept in ("", ANY) else request.accept
        if self._single_row is not None and accept == JSON:
            answer = self._single_row.answer(request.body, request.content_type or JSON)
            if answer is not None:
                return ContainerResponse(answer, JSON)
        try:
            features = decode_request(request.body, request.content_type or JSON)
            predictions = predict(self._model, features)
            body, content_type = encode_predictions(predictions, accept)
        except FeatureDimensionError as error:
            return self._refuse(400, BAD_PAYLOAD, str(error))
        except RequestError as error:
            return self._refuse(error.status, error.message, str(error))
        return ContainerResponse(body, content_type)

    def _refuse(self, status: int, answer: str, reason: str) -> ContainerResponse:
        self._log(f"Customer Error: {reason}")
        return ContainerResponse(answer.encode(), "text/plain", status)

    def close(self) -> None:
        """Nothing to free."""


class LinearLearnerContainer:
    """One running container; its models answer in microseconds, on the event loop."""

    blocking = False

    def __init__(self, settings: ContainerSettings) -> None:
        self._default_accept = settings.environment.get(DEFAULT_ACCEPT_VARIABLE, JSON)
        self._log = settings.log

    def start(self) -> None:
        """Ready at once."""

    def load(self, model_directory: Path) -> LinearLearnerModel:
        try:
            model = read_model_directory(model_directory)
        except ArtifactError as error:
            self._log(f"unable to load model: {error}")
            raise ModelLoadError("unable to load model") from error
        return LinearLearnerModel(model, self._default_accept, self._log)

    def stop(self) -> None:
        """Nothing to free."""


class LinearLearnerImage:
    """``<registry>/linear-learner:<tag>``."""

    repository = "linear-learner"
    supports_multi_model = True
    model_memory_bytes = MODEL_MEMORY_BYTES
    one_process_for_all_hosts = True
    runs_entrypoints = False
    takes_metric_definitions = False

    def __init__(self) -> None:
        self.metric_definitions: Mapping[str, str] = json.loads(METRIC_DEFINITIONS.read_text())

    def matches(self, image_uri: str) -> bool:
        return repository_of(image_uri) == self.repository

    def container(self, settings: ContainerSettings) -> LinearLearnerContainer:
        return LinearLearnerContainer(settings)

    def training_program(self, host: TrainingHost, objects: ObjectStore) -> Program:
        return Program(
            Launch(
                arguments=(linear_learner_training.__name__,),
                environment={
                    **machine_variables(),
                    **host.environment,
                    "SAGEMAKER_BASE_DIR": str(host.directory),
                },
                directory=str(host.directory),
                own=True,
            )
        )

    def container_exit(self, program: Program, program_exit: Exit) -> Exit:
        return program_exit


IMAGE = LinearLearnerImage()

"""The image of SageMaker's XGBoost container; there where xgboost is installed.

``pip install 'sagemaker-mme-localaws[xgboost]'`` brings it. A model is served in a process of its
own, as in the scikit-learn container: by a script of the user's where SAGEMAKER_PROGRAM names one,
else as ``sagemaker_xgboost_container/algorithm_mode.py`` says. Training is that of the built-in
algorithm, by hyperparameters alone.
"""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from localaws.backend import ObjectStore
from localaws.containers import xgboost_training
from localaws.containers.contract import (
    ContainerSettings,
    ContainerStartError,
    Exit,
    LogSink,
    Program,
    TrainingHost,
    client_error,
)
from localaws.containers.image_versions import Interpreters
from localaws.containers.own_place import machine_variables
from localaws.containers.process_host import ProcessHost
from localaws.containers.python_environment import Interpreter
from localaws.containers.registry import repository_of, tag_of
from localaws.containers.scikit_learn import (
    DEFAULT_ACCEPT,
    JSON,
    PROGRAM,
    ScikitLearnContainer,
)
from localaws.processes.launch import Launch

ALGORITHM_MODE = "sagemaker_xgboost_container.algorithm_mode"
CSV = "text/csv"
FIRST_REPOSITORY = "xgboost"
FIRST_VERSION = "0.72"
"""Of XGBoost in the first container, whatever its tag
(https://docs.aws.amazon.com/sagemaker/latest/dg/xgboost-72.html)."""
METRICS = ("accuracy", "auc", "error", "logloss", "mae", "map", "merror", "mlogloss", "mse", "ndcg",
           "rmse")  # fmt: skip
"""https://docs.aws.amazon.com/sagemaker/latest/dg/xgboost-tuning.html"""
MODEL_MEMORY_BYTES = 200 * 2**20
"""A guess, for models of multi-model containers: an interpreter with XGBoost for each."""


class XGBoostInterpreters(Interpreters):
    """The interpreter of any tag is localaws' own; the log says where XGBoost's version is not."""

    def of(self, image_uri: str, log: LogSink) -> Interpreter:
        """The interpreter of an image."""
        ours = version("xgboost-cpu") if _installed("xgboost-cpu") else version("xgboost")
        first = repository_of(image_uri) == FIRST_REPOSITORY
        wanted = FIRST_VERSION if first else tag_of(image_uri).partition("-")[0]
        if ours.rpartition(".")[0] != wanted:
            log(f"localaws: XGBoost {ours} runs, not the {wanted} of the image")
        return Interpreter.of_localaws()


class XGBoostContainer(ScikitLearnContainer):
    """One running container."""

    def __init__(self, settings: ContainerSettings, host: ProcessHost) -> None:
        super().__init__(settings, host, XGBoostInterpreters())
        self._brings_script = bool(settings.environment.get(PROGRAM))
        accept = JSON if settings.is_multi_model else CSV
        self._variables = {PROGRAM: ALGORITHM_MODE, DEFAULT_ACCEPT: accept, **self._variables}

    def _bring_code(self) -> Path:
        if self._brings_script:
            return super()._bring_code()
        code = self._place.opt_ml / "code"
        code.mkdir(parents=True, exist_ok=True)
        return code


class XGBoostImage:
    """``<registry>/sagemaker-xgboost:<tag>``, and ``<registry>/xgboost:<tag>``, AWS's first one.

    The hyperparameters and the forms of data that both have are the same.
    """

    repository = "sagemaker-xgboost"
    supports_multi_model = True
    model_memory_bytes = MODEL_MEMORY_BYTES
    one_process_for_all_hosts = True
    runs_entrypoints = False
    takes_metric_definitions = True  # for scripts, which the same image runs
    metric_definitions: Mapping[str, str] = {
        f"{channel}:{metric}": rf".*\[[0-9]+\].*#011{channel}-{metric}:([-+]?[0-9]*\.?[0-9]+).*"
        for channel in ("train", "validation")
        for metric in METRICS
    }

    def matches(self, image_uri: str) -> bool:
        return repository_of(image_uri) in (self.repository, FIRST_REPOSITORY)

    def container(self, settings: ContainerSettings) -> XGBoostContainer:
        if settings.host is None:
            raise ContainerStartError("there is no host for its processes")
        return XGBoostContainer(settings, settings.host)

    def training_program(self, host: TrainingHost, objects: ObjectStore) -> Program:
        if "sagemaker_program" in host.hyperparameters:
            raise client_error(
                "localaws trains XGBoost by hyperparameters alone, and not by a script: leave"
                " sagemaker_program out"
            )
        variables = {**machine_variables(), **host.environment}
        preamble: list[str] = []
        XGBoostInterpreters().of(host.image, preamble.append)
        return Program(
            preamble=preamble,
            launch=Launch(
                arguments=(xgboost_training.__name__,),
                environment={**variables, "SAGEMAKER_BASE_DIR": str(host.directory)},
                directory=str(host.directory),
                own=True,
            ),
        )

    def container_exit(self, program: Program, program_exit: Exit) -> Exit:
        return program_exit


def _installed(distribution: str) -> bool:
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True


if _installed("xgboost-cpu") or _installed("xgboost"):
    IMAGE = XGBoostImage()

"""The image of SageMaker's XGBoost container, hosting only; there where xgboost is installed.

``pip install 'sagemaker-mme-localaws[xgboost]'`` brings it. A model is served in a process of its
own, as in the scikit-learn container: by a script of the user's where SAGEMAKER_PROGRAM names one,
else as ``sagemaker_xgboost_container/algorithm_mode.py`` says.
"""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from localaws.containers.contract import (
    ContainerSettings,
    ContainerStartError,
    LogSink,
)
from localaws.containers.image_versions import Interpreters
from localaws.containers.process_host import ProcessHost
from localaws.containers.python_environment import Interpreter
from localaws.containers.registry import repository_of, tag_of
from localaws.containers.scikit_learn import (
    DEFAULT_ACCEPT,
    JSON,
    PROGRAM,
    ScikitLearnContainer,
)

ALGORITHM_MODE = "sagemaker_xgboost_container.algorithm_mode"
CSV = "text/csv"
MODEL_MEMORY_BYTES = 200 * 2**20
"""A guess, for models of multi-model containers: an interpreter with XGBoost for each."""


class XGBoostInterpreters(Interpreters):
    """The interpreter of any tag is localaws' own; the log says where XGBoost's version is not."""

    def of(self, image_uri: str, log: LogSink) -> Interpreter:
        """The interpreter of an image."""
        ours = version("xgboost-cpu") if _installed("xgboost-cpu") else version("xgboost")
        wanted = tag_of(image_uri).partition("-")[0]
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
    """``<registry>/sagemaker-xgboost:<tag>``."""

    repository = "sagemaker-xgboost"
    supports_multi_model = True
    model_memory_bytes = MODEL_MEMORY_BYTES

    def matches(self, image_uri: str) -> bool:
        return repository_of(image_uri) == self.repository

    def container(self, settings: ContainerSettings) -> XGBoostContainer:
        if settings.host is None:
            raise ContainerStartError("there is no host for its processes")
        return XGBoostContainer(settings, settings.host)


def _installed(distribution: str) -> bool:
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True


if _installed("xgboost-cpu") or _installed("xgboost"):
    IMAGE = XGBoostImage()

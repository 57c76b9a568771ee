"""The code of a scikit-learn container: brought to /opt/ml/code as the real one does."""

import posixpath
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

from localaws.artifacts import ArtifactError, unpack
from localaws.containers.opt_ml import CODE, CONTAINER_ROOT
from localaws.containers.registry import tag_of
from localaws.errors import AwsError

SUBMIT_DIRECTORY = "SAGEMAKER_SUBMIT_DIRECTORY"
DEFAULT_SUBMIT_DIRECTORY = f"{CONTAINER_ROOT}/{CODE}"
"""https://github.com/aws/sagemaker-containers, _env.py: ``code_dir``."""

REQUIREMENTS = "requirements.txt"
MAXIMUM_FILES = 200
"""Files of a code folder that are looked through for pip."""

_PIP = re.compile(rb"\bpip\b")


class CodeError(Exception):
    """There is no code to run; the text names the place."""


def image_variables(image_uri: str) -> dict[str, str]:
    """ENV of the image's Dockerfile.

    https://github.com/aws/sagemaker-scikit-learn-container, docker/1.2-1/final/Dockerfile.cpu.
    """
    return {
        "LC_ALL": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        "SAGEMAKER_SKLEARN_VERSION": tag_of(image_uri).partition("-cpu")[0],
        "SAGEMAKER_TRAINING_MODULE": "sagemaker_sklearn_container.training:main",
        "SAGEMAKER_SERVING_MODULE": "sagemaker_sklearn_container.serving:main",
        "SKLEARN_MMS_CONFIG": "/home/model-server/config.properties",
        "SM_INPUT": f"{CONTAINER_ROOT}/input",
        "SM_INPUT_TRAINING_CONFIG_FILE": f"{CONTAINER_ROOT}/input/config/hyperparameters.json",
        "SM_INPUT_DATA_CONFIG_FILE": f"{CONTAINER_ROOT}/input/config/inputdataconfig.json",
        "SM_CHECKPOINT_CONFIG_FILE": f"{CONTAINER_ROOT}/input/config/checkpointconfig.json",
        "SM_MODEL_DIR": f"{CONTAINER_ROOT}/model",
    }


def bring_code(submitted: str, opt_ml: Path, download: Callable[[str], bytes]) -> Path:
    """Bring a script's folder to /opt/ml/code and return it.

    ``submitted`` is an archive in S3, or a folder or an archive below /opt/ml
    (https://github.com/aws/sagemaker-containers, _files.py: ``download_and_extract``).

    Raises
    ------
    CodeError
    """
    code = opt_ml / CODE
    if submitted.startswith("s3://"):
        try:
            archive = download(submitted)
        except (AwsError, ValueError) as error:
            raise CodeError(f"{submitted}: {error}") from error
        _unpack(archive, submitted, code)
        return code
    source = _below_opt_ml(submitted or DEFAULT_SUBMIT_DIRECTORY, opt_ml)
    if source.is_file():
        _unpack(source.read_bytes(), submitted, code)
    elif source.is_dir() and source != code.resolve():
        shutil.copytree(source, code, dirs_exist_ok=True)
    return code


def find_program(program: str, submitted: str, code: Path) -> Path:
    """The file of a program in the code.

    Raises
    ------
    CodeError
    """
    script = (code / program).resolve()
    if script.is_file() and script.is_relative_to(code.resolve()):
        return script
    where = submitted or f"{DEFAULT_SUBMIT_DIRECTORY} (the default: {SUBMIT_DIRECTORY} is not set)"
    raise CodeError(f"{program} is not in {where}")


def may_start_warm(code: Path, variables: Mapping[str, str]) -> bool:
    """Whether the copy of an interpreter that has imported NumPy and scikit-learn will do.

    Not for code that installs packages, which may be other versions of these, nor where the number
    of BLAS' threads is set, which it reads when it is imported.
    """
    if (code / REQUIREMENTS).is_file() or (code / "setup.py").is_file():
        return False
    if any(name.endswith("_NUM_THREADS") for name in variables):
        return False
    sources = [path for path in code.rglob("*") if path.suffix in (".py", ".sh") and path.is_file()]
    return len(sources) <= MAXIMUM_FILES and not any(
        _PIP.search(path.read_bytes()) for path in sources
    )


def _below_opt_ml(submitted: str, opt_ml: Path) -> Path:
    """The real folder or file; ``submitted`` may begin with /opt/ml or with what stands for it."""
    for root in (CONTAINER_ROOT, str(opt_ml)):
        path = PurePosixPath(posixpath.normpath(submitted))
        if path.is_relative_to(root):
            source = (opt_ml / path.relative_to(root)).resolve()
            if source.is_relative_to(opt_ml.resolve()):
                return source
    raise CodeError(f"{submitted}: it must begin with s3:// or be in {CONTAINER_ROOT}")


def _unpack(archive: bytes, name: str, code: Path) -> None:
    if code.is_dir():
        code.rmdir()
    try:
        unpack(archive, code)
    except (ArtifactError, OSError) as error:
        raise CodeError(f"{name}: {error}") from error

"""Script mode: what runs when the scikit-learn container trains.

The contract is that of sagemaker-training (https://github.com/aws/sagemaker-training-toolkit,
entry_point.py and process.py).
"""

import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from localaws.artifacts import ArtifactError, unpack
from localaws.backend import ObjectStore
from localaws.containers import opt_ml
from localaws.containers.contract import (
    Exit,
    JobError,
    Program,
    TrainingHost,
    algorithm_error,
    parse_location,
    read_object,
)
from localaws.containers.scikit_learn_modules import PACKAGES
from localaws.containers.scikit_learn_variables import (
    PROGRAM,
    SUBMIT_DIRECTORY,
    ScriptParameters,
    in_host,
    training_variables,
)

REQUIREMENTS = "requirements.txt"
_PIPS = re.compile(r"PIP_|SSL_CERT_|REQUESTS_CA_BUNDLE$|(HTTPS?|NO|ALL)_PROXY$", re.IGNORECASE)
"""Variables of this machine that say where pip finds packages."""
ERROR_LINES = 15
KILLED = 137


def prepare(host: TrainingHost, objects: ObjectStore) -> Program:
    """Fetch the script and return how it is called.

    Raises ``JobError`` when there is no script.
    """
    parameters = ScriptParameters.of(host)
    if not parameters.program:
        raise _framework_error(f"hyperparameter {PROGRAM} names no script")
    code = host.directory / opt_ml.CODE
    _fetch_code(parameters.submitted, host, objects)
    script = (code / parameters.program).resolve()
    if not script.is_file() or not script.is_relative_to(code.resolve()):
        raise _framework_error(f"{parameters.program} is not in {parameters.submitted or code}")
    packages = host.directory / "packages"
    arguments = [*_command(code, parameters.program), *parameters.arguments]
    variables = training_variables(host, parameters)
    return Program(
        arguments=arguments,
        environment={
            **{name: in_host(value, host) for name, value in host.environment.items()},
            **variables,
            "CURRENT_HOST": host.name,
            "SAGEMAKER_JOB_NAME": parameters.job_name,
            "SAGEMAKER_REGION": parameters.region,
            "SAGEMAKER_BASE_DIR": str(host.directory),
            "PYTHONPATH": os.pathsep.join(map(str, (code, packages, PACKAGES))),
        },
        directory=code,
        preamble=_preamble(arguments, variables),
        error="ExecuteUserScriptError",
        first=_installation(code, packages),
    )


def toolkit_exit(program: Program, program_exit: Exit) -> Exit:
    """The toolkit exits with 1, whatever its program did, and says how that ended."""
    text = (
        f"{program.error}:\nExitCode {program_exit.code}\n"
        f'ErrorMessage "{_error_message(program_exit.text)}"\n'
    )
    if program_exit.code == KILLED:
        text += 'ExtraInfo "OutOfMemory: Process killed by SIGKILL (signal 9)"\n'
    return Exit(1, f'{text}Command "{shlex.join(program.arguments)}"')


def _error_message(output: str) -> str:
    """What follows the last traceback; without one the last line."""
    _, traceback, error = output.rpartition("Traceback (most recent call last):\n")
    lines = [line for line in error.splitlines() if line and not line.startswith(" ")]
    return "\n".join(lines[:ERROR_LINES] if traceback else lines[-1:])


def _preamble(arguments: Sequence[str], variables: Mapping[str, str]) -> list[str]:
    """What the toolkit logs before it calls the script (logging_config.py)."""
    environment = json.dumps(json.loads(variables["SM_TRAINING_ENV"]), indent=4, sort_keys=True)
    return [
        "sagemaker-training-toolkit INFO     Invoking user script",
        "Training Env:",
        *environment.splitlines(),
        "Environment variables:",
        *(f"{name}={value}" for name, value in variables.items()),
        "Invoking script with the following command:",
        shlex.join(arguments),
    ]


def _fetch_code(submitted: str, host: TrainingHost, objects: ObjectStore) -> None:
    """Bring the script's folder to /opt/ml/code: from S3, or from a channel that holds it."""
    code = host.directory / opt_ml.CODE
    if submitted.startswith("s3://"):
        _unpack_code(read_object(parse_location(submitted), objects), submitted, code)
        return
    source = Path(submitted or code).resolve()
    if not source.is_relative_to(host.directory.resolve()):
        raise _framework_error(
            f"{SUBMIT_DIRECTORY} is {submitted}; it must begin with s3:// or be in "
            f"{opt_ml.CONTAINER_ROOT}"
        )
    if source.is_file():
        _unpack_code(source.read_bytes(), submitted, code)
    elif source.is_dir() and source != code.resolve():
        shutil.copytree(source, code, dirs_exist_ok=True)


def _unpack_code(archive: bytes, name: str, code: Path) -> None:
    code.rmdir()
    try:
        unpack(archive, code)
    except ArtifactError as error:
        raise _framework_error(f"{name}: {error}") from error


def _command(code: Path, program: str) -> tuple[str, ...]:
    """A shell command unless it is Python; a module where the folder is a package to install."""
    if PurePosixPath(program).suffix != ".py":
        (code / program).chmod(0o755)
        return ("/bin/sh", "-c", f'./{shlex.quote(program)} "$@"', program)
    if (code / "setup.py").is_file():
        return (sys.executable, "-m", program.removesuffix(".py").replace("/", "."))
    return (sys.executable, program)


def _installation(code: Path, target: Path) -> Program | None:
    """Installs requirements.txt, if there is one, into a folder of the host's own."""
    if not (code / REQUIREMENTS).is_file():
        return None
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
    arguments = [*pip, "--target", str(target), "-r", REQUIREMENTS]
    return Program(
        arguments=arguments,
        environment={name: os.environ[name] for name in os.environ if _PIPS.match(name)},
        directory=code,
        preamble=[f"Installing dependencies from {REQUIREMENTS}:", shlex.join(arguments)],
        error="InstallRequirementsError",
    )


def _framework_error(text: str) -> JobError:
    return algorithm_error(f"framework error: {text}, exit code: 1")

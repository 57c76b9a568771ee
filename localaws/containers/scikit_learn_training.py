"""Script mode: what runs when the scikit-learn container trains.

The contract is that of sagemaker-training (https://github.com/aws/sagemaker-training-toolkit,
entry_point.py and process.py).
"""

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from localaws.backend import ObjectStore
from localaws.containers.contract import (
    Exit,
    JobError,
    Program,
    TrainingHost,
    algorithm_error,
    parse_location,
    read_object,
)
from localaws.containers.image_versions import Interpreters
from localaws.containers.own_place import OwnPlace, hint_without_opt_ml
from localaws.containers.python_environment import PythonEnvironment
from localaws.containers.scikit_learn_code import (
    REQUIREMENTS,
    CodeError,
    bring_code,
    find_program,
    image_variables,
    may_start_warm,
)
from localaws.containers.scikit_learn_variables import (
    PROGRAM,
    ScriptParameters,
    training_variables,
)
from localaws.processes.launch import Launch

ERROR_LINES = 15
KILLED = 137


def prepare(host: TrainingHost, objects: ObjectStore, interpreters: Interpreters) -> Program:
    """Fetch the script and return how it is called.

    Raises
    ------
    JobError
        When there is no script.
    """
    place = OwnPlace.beside(host.directory, host.without_opt_ml)
    notes = _hints(host)
    interpreter = interpreters.of(host.image, notes.append)
    python = place.create_python(interpreter)
    if host.entrypoint:
        return _entrypoint(host, place, python, notes)
    parameters = ScriptParameters.of(host)
    if not parameters.program:
        raise _framework_error(f"hyperparameter {PROGRAM} names no script")
    code = _bring_code(parameters, host, objects)
    script, is_python = _command(code, parameters.program)
    arguments = [*script, *parameters.arguments]
    variables = training_variables(host, parameters)
    launch = place.launch(
        python,
        arguments,
        {
            **image_variables(host.image),
            **host.environment,
            **variables,
            "CURRENT_HOST": host.name,
            "SAGEMAKER_JOB_NAME": parameters.job_name,
            "SAGEMAKER_REGION": parameters.region,
            "PYTHONPATH": place.inside(code),
        },
        directory=place.inside(code),
        is_python=is_python,
        warm=is_python and interpreter.is_ours and may_start_warm(code, host.environment),
    )
    return Program(
        launch=launch,
        preamble=[*notes, *_preamble(launch, variables)],
        error="ExecuteUserScriptError",
        first=_installation(code, place, python),
    )


def toolkit_exit(program: Program, program_exit: Exit) -> Exit:
    """The toolkit exits with 1, whatever its program did, and says how that ended."""
    if not program.error:  # Its own entry point ran, not the toolkit.
        return program_exit
    text = (
        f"{program.error}:\nExitCode {program_exit.code}\n"
        f'ErrorMessage "{_error_message(program_exit.text)}"\n'
    )
    if program_exit.code == KILLED:
        text += 'ExtraInfo "OutOfMemory: Process killed by SIGKILL (signal 9)"\n'
    return Exit(1, f'{text}Command "{shlex.join(program.launch.command)}"')


def _error_message(output: str) -> str:
    """What follows the last traceback; without one the last line."""
    _, traceback, error = output.rpartition("Traceback (most recent call last):\n")
    lines = [line for line in error.splitlines() if line and not line.startswith(" ")]
    return "\n".join(lines[:ERROR_LINES] if traceback else lines[-1:])


def _entrypoint(
    host: TrainingHost, place: OwnPlace, python: PythonEnvironment, notes: list[str]
) -> Program:
    """ContainerEntrypoint in place of the toolkit: it gets no SM_* variables but the image's."""
    variables = {**image_variables(host.image), **host.environment, "CURRENT_HOST": host.name}
    return Program(
        launch=place.launch(
            python, host.entrypoint, variables, directory=place.root, is_python=False
        ),
        preamble=notes,
    )


def _hints(host: TrainingHost) -> list[str]:
    return [hint_without_opt_ml(host.without_opt_ml)] if host.without_opt_ml else []


def _preamble(launch: Launch, variables: Mapping[str, str]) -> list[str]:
    """What the toolkit logs before it calls the script (logging_config.py)."""
    environment = json.dumps(json.loads(variables["SM_TRAINING_ENV"]), indent=4, sort_keys=True)
    return [
        "sagemaker-training-toolkit INFO     Invoking user script",
        "Training Env:",
        *environment.splitlines(),
        "Environment variables:",
        *(f"{name}={value}" for name, value in variables.items()),
        "Invoking script with the following command:",
        shlex.join(launch.command),
    ]


def _bring_code(parameters: ScriptParameters, host: TrainingHost, objects: ObjectStore) -> Path:
    """Bring the script's folder to /opt/ml/code: from S3, or from a channel that holds it."""

    def download(uri: str) -> bytes:
        return read_object(parse_location(uri), objects)

    try:
        code = bring_code(parameters.submitted, host.directory, download)
        find_program(parameters.program, parameters.submitted or "/opt/ml/code", code)
    except CodeError as error:
        raise _framework_error(str(error)) from error
    return code


def _command(code: Path, program: str) -> tuple[Sequence[str], bool]:
    """How a program is called, and whether by Python: a module where its folder is a package."""
    if PurePosixPath(program).suffix != ".py":
        (code / program).chmod(0o755)
        return ("/bin/sh", "-c", f'./{shlex.quote(program)} "$@"', program), False
    if (code / "setup.py").is_file():
        return ("-m", program.removesuffix(".py").replace("/", ".")), True
    return (program,), True


def _installation(code: Path, place: OwnPlace, python: PythonEnvironment) -> Program | None:
    """Installs requirements.txt, if there is one, into the container's environment."""
    if not (code / REQUIREMENTS).is_file():
        return None
    arguments = ["-m", "pip", "install", "-r", REQUIREMENTS]
    launch = place.launch(python, arguments, {}, directory=place.inside(code))
    return Program(
        launch=launch,
        preamble=[f"Installing dependencies from {REQUIREMENTS}:", shlex.join(launch.command)],
        error="InstallRequirementsError",
    )


def _framework_error(text: str) -> JobError:
    return algorithm_error(f"framework error: {text}, exit code: 1")

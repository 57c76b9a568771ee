"""Script mode: what runs when the scikit-learn container trains.

The contract is that of sagemaker-training (https://github.com/aws/sagemaker-training-toolkit,
environment.py and process.py).
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from localaws.backend import ObjectStore
from localaws.containers.scikit_learn_modules import PACKAGES
from localaws.hosting.artifacts import ArtifactError, unpack
from localaws.jobs import layout
from localaws.jobs.channels import parse_location, read_object
from localaws.jobs.failure import algorithm_error
from localaws.jobs.image import Exit, Program, TrainingHost

PREFIX = "sagemaker_"
PROGRAM = "sagemaker_program"
SUBMIT_DIRECTORY = "sagemaker_submit_directory"
REGION = "sagemaker_region"
FRAMEWORK_MODULE = "sagemaker_sklearn_container.training:main"
KNOWN_PARAMETERS = (
    PROGRAM,
    SUBMIT_DIRECTORY,
    REGION,
    "sagemaker_enable_cloudwatch_metrics",
    "sagemaker_container_log_level",
    "sagemaker_job_name",
    "sagemaker_s3_output",
)
INSTALL_TIMEOUT_SECONDS = 600
ERROR_LINES = 15


def prepare(host: TrainingHost, objects: ObjectStore) -> Program:
    """Fetch the script and return how it is called.

    Raises ``JobError`` when there is no script, or its requirements cannot be installed.
    """
    parameters = {name: _decoded(value, host) for name, value in host.hyperparameters.items()}
    script = parameters.get(PROGRAM) or host.environment.get(PROGRAM.upper())
    if not script:
        raise algorithm_error(f"framework error: hyperparameter {PROGRAM} names no script")
    code = host.directory / layout.CODE
    submitted = parameters.get(SUBMIT_DIRECTORY) or host.environment.get(SUBMIT_DIRECTORY.upper())
    _fetch_code(str(submitted or ""), code, objects)
    if not (code / script).is_file():
        raise algorithm_error(f"framework error: script {script} is not in {submitted}")
    packages = _install_requirements(code, host.directory / "packages")
    user_parameters = {
        name: value for name, value in parameters.items() if not name.startswith(PREFIX)
    }
    arguments = command_line_arguments(user_parameters)
    return Program(
        arguments=(*_command(code, script), *arguments),
        environment={
            **host.environment,
            **{name: _in_host(value, host) for name, value in host.environment.items()},
            **training_variables(host, parameters, arguments),
            "SAGEMAKER_BASE_DIR": str(host.directory),
            "PYTHONPATH": os.pathsep.join([str(code), *packages, str(PACKAGES)]),
        },
        directory=code,
    )


def toolkit_exit(program: Program, program_exit: Exit) -> Exit:
    """The toolkit exits with 1, whatever the script did, and says how the script ended."""
    command = shlex.join(["python", *program.arguments[1:]])
    text = (
        f"ExecuteUserScriptError:\nExitCode {program_exit.code}\n"
        f'ErrorMessage "{_error_message(program_exit.text)}"\nCommand "{command}"'
    )
    if program_exit.code == 137:
        text += '\nExtraInfo "OutOfMemory: Process killed by SIGKILL (signal 9)"'
    return Exit(1, text)


def _error_message(output: str) -> str:
    """From the last exception on; without one the last lines."""
    lines = output.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("Traceback ")]
    if not starts:
        return "\n".join(lines[-1:])
    after = [line for line in lines[starts[-1] + 1 :] if line and not line.startswith(" ")]
    return "\n".join(after[:ERROR_LINES])


def command_line_arguments(parameters: Mapping[str, Any]) -> list[str]:
    """``{"alpha": 1, "c": 2}`` as ``--alpha 1 -c 2``, in the order of the names."""
    arguments = []
    for name in sorted(parameters):
        arguments += [f"--{name}" if len(name) > 1 else f"-{name}", _argument(parameters[name])]
    return arguments


def training_variables(
    host: TrainingHost, parameters: Mapping[str, Any], arguments: list[str]
) -> dict[str, str]:
    """The SM_* variables."""
    resources = layout.read_config(host.directory, layout.RESOURCE_CONFIG_FILE)
    channels = layout.read_config(host.directory, layout.INPUT_DATA_CONFIG_FILE)
    folders = {name: str(layout.channel_directory(host, name)) for name in channels}
    user = {name: value for name, value in parameters.items() if not name.startswith(PREFIX)}
    framework = {
        name: value
        for name, value in parameters.items()
        if name.startswith(PREFIX) and name not in KNOWN_PARAMETERS
    }
    script = str(parameters.get(PROGRAM) or host.environment.get(PROGRAM.upper()))
    group = resources["current_group_name"]
    values: dict[str, Any] = {
        "hosts": resources["hosts"],
        "current_host": resources["current_host"],
        "current_instance_type": resources["current_instance_type"],
        "current_instance_group": group,
        "current_instance_group_hosts": resources["hosts"],
        "instance_groups": [group],
        "instance_groups_dict": {group: resources["instance_groups"][0]},
        "distribution_instance_groups": [],
        "is_hetero": False,
        "network_interface_name": resources["network_interface_name"],
        "hps": user,
        "user_args": arguments,
        "user_entry_point": script,
        "module_name": script.removesuffix(".py"),
        "module_dir": str(parameters.get(SUBMIT_DIRECTORY, host.directory / layout.CODE)),
        "framework_module": FRAMEWORK_MODULE,
        "framework_params": framework,
        "log_level": parameters.get("sagemaker_container_log_level", 20),
        "resource_config": resources,
        "input_data_config": channels,
        "channels": sorted(channels),
        "model_dir": str(host.directory / layout.MODEL),
        "input_dir": str(host.directory / "input"),
        "input_config_dir": str(host.directory / layout.CONFIG),
        "output_dir": str(host.directory / layout.OUTPUT),
        "output_data_dir": str(host.directory / layout.OUTPUT_DATA),
        "output_intermediate_dir": str(host.directory / layout.OUTPUT / "intermediate"),
        "num_cpus": os.cpu_count() or 1,
        "num_gpus": 0,
        **{f"channel_{name}": folder for name, folder in folders.items()},
        **{f"hp_{name}": value for name, value in user.items()},
    }
    described = {name: value for name, value in values.items() if not name.startswith("hp_")}
    values["training_env"] = {
        **described,
        "channel_input_dirs": folders,
        "hyperparameters": user,
        "additional_framework_parameters": framework,
        "job_name": host.environment.get("TRAINING_JOB_NAME", ""),
        "is_master": host.name == host.hosts[0],
        "master_hostname": host.hosts[0],
    }
    return {f"SM_{name.upper()}": _variable(value) for name, value in values.items()}


def _decoded(value: str, host: TrainingHost) -> Any:
    """Hyperparameters are JSON where they can be: the SDK quotes every one."""
    try:
        decoded = json.loads(value)
    except ValueError:
        decoded = value
    return _in_host(decoded, host)


def _in_host(value: Any, host: TrainingHost) -> Any:
    """A path in the container's /opt/ml, as the path that it has here."""
    if not isinstance(value, str):
        return value
    if value != layout.CONTAINER_ROOT and not value.startswith(f"{layout.CONTAINER_ROOT}/"):
        return value
    return f"{host.directory}{value.removeprefix(layout.CONTAINER_ROOT)}"


def _fetch_code(submitted: str, code: Path, objects: ObjectStore) -> None:
    """Bring the script's folder to ``code``: from S3, or from a channel that holds it."""
    if submitted.startswith("s3://"):
        _unpack_code(read_object(parse_location(submitted), objects), submitted, code)
    elif Path(submitted).is_file():
        _unpack_code(Path(submitted).read_bytes(), submitted, code)
    elif Path(submitted).is_dir() and submitted not in ("", str(code)):
        shutil.copytree(submitted, code, dirs_exist_ok=True)


def _unpack_code(archive: bytes, name: str, code: Path) -> None:
    code.rmdir()
    try:
        unpack(archive, code)
    except ArtifactError as error:
        raise algorithm_error(f"framework error: {name}: {error}") from error


def _command(code: Path, script: str) -> tuple[str, ...]:
    """A module where the folder is a package with a setup.py, else a script, else a command."""
    if PurePosixPath(script).suffix != ".py":
        return ("/bin/sh", "-c", f'./{shlex.quote(script)} "$@"', script)
    if (code / "setup.py").is_file():
        return (sys.executable, "-m", script.removesuffix(".py").replace("/", "."))
    return (sys.executable, script)


def _install_requirements(code: Path, target: Path) -> list[str]:
    """Install requirements.txt into a folder of the host's own."""
    requirements = code / "requirements.txt"
    if not requirements.is_file():
        return []
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    installed = subprocess.run(
        [*pip, "--target", str(target), "-r", str(requirements)],
        capture_output=True,
        text=True,
        timeout=INSTALL_TIMEOUT_SECONDS,
        check=False,
    )
    if installed.returncode:
        reason = installed.stderr.strip().splitlines()[-1:] or ["pip failed"]
        raise algorithm_error(f"InstallRequirementsError: {reason[0]}, exit code: 1")
    return [str(target)]


def _variable(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _argument(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return ",".join(f"{key}={item}" for key, item in sorted(value.items()))
    return str(value)

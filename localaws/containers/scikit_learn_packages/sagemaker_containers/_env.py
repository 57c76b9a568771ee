"""What a container knows about the job or endpoint that it runs for, from its SM_* variables."""

import json
import logging
import os
from pathlib import Path
from typing import Any

from sagemaker_containers import _content_types, _params

base_dir = os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")
code_dir = str(Path(base_dir, "code"))
model_dir = str(Path(base_dir, "model"))
input_dir = str(Path(base_dir, "input"))
input_config_dir = str(Path(base_dir, "input", "config"))
output_dir = str(Path(base_dir, "output"))
output_data_dir = str(Path(base_dir, "output", "data"))


def channel_path(channel: str) -> str:
    """The folder of a channel's files."""
    return str(Path(base_dir, "input", "data", channel))


def num_cpus() -> int:
    """The processors of this machine."""
    return os.cpu_count() or 1


def num_gpus() -> int:
    """None: these containers are for processors."""
    return 0


def read_hyperparameters() -> dict[str, Any]:
    """The hyperparameters of the job, each decoded where it is JSON."""
    values: dict[str, Any] = _read_json("hyperparameters.json")
    return {name: _decoded(value) for name, value in values.items()}


def read_resource_config() -> dict[str, Any]:
    """resourceconfig.json: the host and its neighbours."""
    return _read_json("resourceconfig.json")


def read_input_data_config() -> dict[str, Any]:
    """inputdataconfig.json: the channels."""
    return _read_json("inputdataconfig.json")


def _read_json(name: str) -> dict[str, Any]:
    contents: dict[str, Any] = json.loads(Path(input_config_dir, name).read_text())
    return contents


def _decoded(value: Any) -> Any:
    try:
        return json.loads(value)
    except (ValueError, TypeError):
        return value


class ServingEnv:
    """The environment of an endpoint's container."""

    def __init__(self) -> None:
        variables = os.environ
        self.module_name = variables.get(_params.USER_PROGRAM_ENV, "").removesuffix(".py")
        self.module_dir = variables.get(_params.SUBMIT_DIR_ENV, code_dir)
        self.model_dir = model_dir
        self.num_cpus = num_cpus()
        self.num_gpus = num_gpus()
        self.default_accept = variables.get(
            _params.DEFAULT_INVOCATIONS_ACCEPT_ENV, _content_types.JSON
        )


class TrainingEnv:
    """The environment of a training job's container."""

    def __init__(self) -> None:
        everything = read_hyperparameters()
        resources = read_resource_config()
        channels = read_input_data_config()
        self.hyperparameters = {
            name: value
            for name, value in everything.items()
            if not name.startswith(_params.SAGEMAKER_PREFIX)
        }
        self.additional_framework_parameters: dict[str, Any] = {}
        self.resource_config = resources
        self.input_data_config = channels
        self.hosts: list[str] = resources["hosts"]
        self.current_host: str = resources["current_host"]
        self.master_hostname = self.hosts[0]
        self.is_master = self.current_host == self.master_hostname
        self.network_interface_name: str = resources.get("network_interface_name", "eth0")
        self.channel_input_dirs = {name: channel_path(name) for name in channels}
        self.user_entry_point: str = everything.get(_params.USER_PROGRAM_PARAM, "")
        self.module_name = self.user_entry_point.removesuffix(".py")
        self.module_dir: str = everything.get(_params.SUBMIT_DIR_PARAM, code_dir)
        self.log_level: int = everything.get(_params.LOG_LEVEL_PARAM, logging.INFO)
        self.job_name = os.environ.get(_params.TRAINING_JOB_ENV, "")
        self.model_dir = model_dir
        self.input_dir = input_dir
        self.input_config_dir = input_config_dir
        self.output_dir = output_dir
        self.output_data_dir = output_data_dir
        self.num_cpus = num_cpus()
        self.num_gpus = num_gpus()

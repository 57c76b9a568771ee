"""What a container knows about the job or endpoint that it runs for, from its SM_* variables."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
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
        program = variables.get(_params.USER_PROGRAM_ENV, "")
        self.module_name = program[:-3] if program.endswith(".py") else program
        self.module_dir = variables.get(_params.SUBMIT_DIR_ENV, code_dir)
        self.model_dir = model_dir
        self.num_cpus = num_cpus()
        self.num_gpus = num_gpus()
        self.default_accept = variables.get(
            _params.DEFAULT_INVOCATIONS_ACCEPT_ENV, _content_types.JSON
        )


class TrainingEnv(Mapping):  # type: ignore[type-arg]  # Python 3.8 has no Mapping[str, Any]
    """The environment of a training job's container: what SM_TRAINING_ENV tells of it.

    Its members are attributes, ``env.current_host``, and entries, ``env["current_host"]``.
    """

    def __init__(self) -> None:
        self._values: dict[str, Any] = json.loads(os.environ["SM_TRAINING_ENV"])

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["_values"][name]
        except KeyError:
            raise AttributeError(f"the training environment has no {name}") from None

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

"""Hyperparameters, arguments and SM_* variables of a training script.

The contract is that of sagemaker-training (https://github.com/aws/sagemaker-training-toolkit,
environment.py, mapping.py and params.py).
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localaws.containers import opt_ml
from localaws.containers.contract import TrainingHost
from localaws.containers.own_place import rooted
from localaws.containers.toolkit import toolkit

PREFIX = "sagemaker_"
PROGRAM = "sagemaker_program"
SUBMIT_DIRECTORY = "sagemaker_submit_directory"
LOG_LEVEL = "sagemaker_container_log_level"
JOB_NAME = "sagemaker_job_name"
REGION = "sagemaker_region"
PLATFORM_PARAMETERS = (
    PROGRAM,
    SUBMIT_DIRECTORY,
    LOG_LEVEL,
    JOB_NAME,
    REGION,
    "sagemaker_enable_cloudwatch_metrics",
    "sagemaker_s3_output",
    "_tuning_objective_metric",
    "default_user_module_name",
)
"""Hyperparameters that tell the container what to run; the script does not see them."""

FRAMEWORK_MODULE = "sagemaker_sklearn_container.training:main"
INFO = 20


@dataclass(frozen=True)
class ScriptParameters:
    """The hyperparameters of a script-mode job, told apart.

    ``program`` is the script and ``submitted`` where it is; ``user`` what the script is called
    with; ``job_name`` and ``region`` what the SDK says they are; ``framework`` any other parameter
    that begins with ``sagemaker_``.
    """

    program: str
    submitted: str
    log_level: int
    job_name: str
    region: str
    user: Mapping[str, Any]
    framework: Mapping[str, Any]

    @classmethod
    def of(cls, host: TrainingHost) -> "ScriptParameters":
        """Read them from a host; its environment stands in for what the parameters leave out."""
        values = {name: _decoded(value, host) for name, value in host.hyperparameters.items()}

        def given(name: str) -> str:
            return str(values.get(name) or host.environment.get(name.upper(), ""))

        return cls(
            program=given(PROGRAM),
            submitted=given(SUBMIT_DIRECTORY),
            log_level=values.get(LOG_LEVEL, INFO),
            job_name=given(JOB_NAME),
            region=given(REGION) or host.environment.get("AWS_REGION", ""),
            user={
                name: value
                for name, value in values.items()
                if not name.startswith(PREFIX) and name not in PLATFORM_PARAMETERS
            },
            framework={
                name: value
                for name, value in values.items()
                if name.startswith(PREFIX) and name not in PLATFORM_PARAMETERS
            },
        )

    @property
    def arguments(self) -> list[str]:
        """``{"alpha": 1, "c": 2}`` as ``--alpha 1 -c 2``, in the order of the names."""
        arguments: list[str] = toolkit("_mapping").to_cmd_args(self.user)
        return arguments


def training_variables(host: TrainingHost, parameters: ScriptParameters) -> dict[str, str]:
    """The SM_* variables of a host."""
    described = _description(host, parameters)
    channels = {
        name: f"{root_of(host)}/{opt_ml.DATA}/{name}" for name in described["input_data_config"]
    }
    training_env = {
        **described,
        "channel_input_dirs": channels,
        "hyperparameters": parameters.user,
        "additional_framework_parameters": parameters.framework,
        "job_name": host.environment.get("TRAINING_JOB_NAME", ""),
        "is_master": host.name == host.hosts[0],
        "master_hostname": host.hosts[0],
        "distribution_hosts": [],
        "is_modelparallel_enabled": None,
    }
    values = {
        **described,
        "hps": parameters.user,
        "user_args": parameters.arguments,
        "framework_params": parameters.framework,
        "channels": sorted(channels),
        "training_env": training_env,
        **{f"channel_{name}": folder for name, folder in channels.items()},
        **{f"hp_{name}": value for name, value in parameters.user.items()},
    }
    variables: dict[str, str] = toolkit("_mapping").to_env_vars(values)
    return variables


def root_of(host: TrainingHost) -> str:
    """What /opt/ml is called in the host's container."""
    return str(host.directory) if host.without_opt_ml else opt_ml.CONTAINER_ROOT


def _description(host: TrainingHost, parameters: ScriptParameters) -> dict[str, Any]:
    """What both single variables and SM_TRAINING_ENV hold."""
    resources = opt_ml.read_config(host.directory, opt_ml.RESOURCE_CONFIG_FILE)
    group = resources["current_group_name"]
    root = root_of(host)
    return {
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
        "user_entry_point": parameters.program,
        "module_name": parameters.program.removesuffix(".py"),
        "module_dir": parameters.submitted or f"{root}/{opt_ml.CODE}",
        "framework_module": FRAMEWORK_MODULE,
        "log_level": parameters.log_level,
        "resource_config": resources,
        "input_data_config": opt_ml.read_config(host.directory, opt_ml.INPUT_DATA_CONFIG_FILE),
        "model_dir": f"{root}/{opt_ml.MODEL}",
        "input_dir": f"{root}/{opt_ml.INPUT}",
        "input_config_dir": f"{root}/{opt_ml.CONFIG}",
        "output_dir": f"{root}/{opt_ml.OUTPUT}",
        "output_data_dir": f"{root}/{opt_ml.OUTPUT_DATA}",
        "output_intermediate_dir": f"{root}/{opt_ml.OUTPUT}/intermediate",
        "num_cpus": os.cpu_count() or 1,
        "num_gpus": 0,
    }


def _decoded(value: str, host: TrainingHost) -> Any:
    """Hyperparameters are JSON where they can be: the SDK quotes every one."""
    try:
        decoded = json.loads(value)
    except ValueError:
        decoded = value
    return rooted(decoded, root_of(host)) if isinstance(decoded, str) else decoded

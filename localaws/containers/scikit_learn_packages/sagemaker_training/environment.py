"""What the container knows about its training job."""

from sagemaker_containers._env import TrainingEnv as Environment
from sagemaker_containers._env import (
    base_dir,
    channel_path,
    code_dir,
    input_config_dir,
    input_dir,
    model_dir,
    num_cpus,
    num_gpus,
    output_data_dir,
    output_dir,
    read_hyperparameters,
    read_input_data_config,
    read_resource_config,
)

__all__ = [
    "Environment",
    "base_dir",
    "channel_path",
    "code_dir",
    "input_config_dir",
    "input_dir",
    "model_dir",
    "num_cpus",
    "num_gpus",
    "output_data_dir",
    "output_dir",
    "read_hyperparameters",
    "read_input_data_config",
    "read_resource_config",
]

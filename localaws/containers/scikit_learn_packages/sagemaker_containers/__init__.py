"""The part of sagemaker-containers that scripts use."""

from __future__ import annotations

from sagemaker_containers._env import TrainingEnv


def training_env() -> TrainingEnv:
    """The environment of the training job that this process belongs to."""
    return TrainingEnv()

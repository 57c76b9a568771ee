"""Names of environment variables and hyperparameters."""

from sagemaker_containers._params import *  # noqa: F403

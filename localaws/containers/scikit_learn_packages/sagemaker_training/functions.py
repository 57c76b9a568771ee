"""Calling functions of user code."""

from sagemaker_containers._functions import *  # noqa: F403

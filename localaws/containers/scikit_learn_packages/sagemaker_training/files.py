"""Files in the container."""

from sagemaker_containers._files import *  # noqa: F403

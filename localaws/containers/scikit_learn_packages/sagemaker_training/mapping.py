"""Mappings as command line arguments and environment variables."""

from sagemaker_containers._mapping import to_cmd_args, to_env_vars

__all__ = ["to_cmd_args", "to_env_vars"]

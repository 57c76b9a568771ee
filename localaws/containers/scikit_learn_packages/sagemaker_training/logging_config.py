"""The logger of the toolkit."""

from sagemaker_containers._logging import configure_logger, get_logger

__all__ = ["configure_logger", "get_logger"]

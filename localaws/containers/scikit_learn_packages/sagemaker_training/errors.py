"""Exceptions of the toolkit."""

from sagemaker_containers._errors import ClientError, UnsupportedFormatError

__all__ = ["ClientError", "UnsupportedFormatError"]

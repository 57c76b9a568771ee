"""Exceptions of the toolkit."""

from __future__ import annotations

from sagemaker_containers._errors import ClientError, UnsupportedFormatError


class BaseInferenceToolkitError(Exception):
    """An error with the HTTP status and the texts to answer it with."""

    def __init__(self, status_code: int, message: str, phrase: str) -> None:
        self.status_code = status_code
        self.message = message
        self.phrase = phrase
        super().__init__(status_code, message, phrase)


class GenericInferenceToolkitError(BaseInferenceToolkitError):
    """One whose texts may be left out."""

    def __init__(
        self, status_code: int, message: str | None = None, phrase: str | None = None
    ) -> None:
        message = message or "Invalid Request"
        super().__init__(status_code, message, phrase or message)


__all__ = [
    "BaseInferenceToolkitError",
    "ClientError",
    "GenericInferenceToolkitError",
    "UnsupportedFormatError",
]

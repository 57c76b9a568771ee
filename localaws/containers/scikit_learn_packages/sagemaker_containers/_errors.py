"""Exceptions of the toolkit."""

from __future__ import annotations


class ClientError(Exception):
    """User code or user input is at fault."""


class UnsupportedFormatError(Exception):
    """A content type that has no encoder or decoder."""

    def __init__(self, content_type: object) -> None:
        self.message = (
            f"Content type {content_type} is not supported by this framework.\n\n"
            "Please implement input_fn to to deserialize the request data or an output_fn to\n"
            "serialize the response. For more information, see the SageMaker Python SDK README."
        )
        super().__init__(self.message)

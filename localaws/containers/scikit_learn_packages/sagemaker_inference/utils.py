"""Helpers of the toolkit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_CONTENT_TYPE_HEADERS = ("content-type", "contenttype")


def read_file(path: str, mode: str = "r") -> Any:
    """The contents of a file."""
    with Path(path).open(mode) as file:
        return file.read()


def write_file(path: str, data: str, mode: str = "w") -> None:
    """Write text to a file."""
    with Path(path).open(mode) as file:
        file.write(data)


def retrieve_content_type_header(request_property: Mapping[str, str]) -> str | None:
    """The content type among the headers of a request, however the header is spelt."""
    for name, value in request_property.items():
        if name.lower() in _CONTENT_TYPE_HEADERS:
            return value
    return None


def parse_accept(accept: str) -> list[str]:
    """The content types of an Accept header, with their parameters."""
    return accept.replace(" ", "").split(",")

"""The response that a script returns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus

from sagemaker_containers import _content_types

_TEXT_TYPES = {
    "application/ecmascript",
    "application/javascript",
    "application/sql",
    "application/xml",
    "application/xml-dtd",
    "application/xml-external-parsed-entity",
}


class Response:
    """What the container answers: a body, a status and a content type.

    As in Flask, a text type is answered with ``; charset=utf-8``.
    """

    default_mimetype = _content_types.JSON

    def __init__(
        self,
        response: str | bytes | Iterable[str | bytes] | None = None,
        accept: str | None = None,
        status: int | str | HTTPStatus = HTTPStatus.OK,
        headers: Mapping[str, str] | None = None,
        mimetype: str | None = None,
        direct_passthrough: bool = False,
    ) -> None:
        self.headers = dict(headers or {})
        self.status_code = int(status.split()[0]) if isinstance(status, str) else int(status)
        self.data = _bytes(response)
        if mimetype or "Content-Type" not in self.headers:
            self.headers["Content-Type"] = _content_type(mimetype or self.default_mimetype)

    @property
    def content_type(self) -> str:
        """The header Content-Type."""
        return self.headers["Content-Type"]

    @property
    def mimetype(self) -> str:
        """The content type without its parameters."""
        return self.content_type.partition(";")[0].strip().lower()

    def get_data(self, as_text: bool = False) -> str | bytes:
        """The body."""
        return self.data.decode() if as_text else self.data


def _bytes(body: str | bytes | Iterable[str | bytes] | None) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, (bytes, bytearray)):
        return bytes(body)
    return b"".join(_bytes(part) for part in body)


def _content_type(mimetype: str) -> str:
    if mimetype.startswith("text/") or mimetype in _TEXT_TYPES or mimetype.endswith("+xml"):
        return f"{mimetype}; charset=utf-8"
    return mimetype

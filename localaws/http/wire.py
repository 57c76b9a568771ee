"""HTTP as the server reads and writes it."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from random import getrandbits
from typing import Any
from urllib.parse import parse_qs

from localaws.admission.reading import HttpRequest
from localaws.error_documents import error_document
from localaws.errors import AwsError
from localaws.signature import SignedRequest

AsgiScope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]

ERROR = 400
_ACTION = re.compile(rb"(?:^|&)Action=(\w+)")


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    async def send(self, send: Send) -> None:
        """Send it over ASGI."""
        length = (b"content-length", b"%d" % len(self.body))
        await send(
            {
                "type": "http.response.start",
                "status": self.status,
                "headers": [*self.headers, length],
            }
        )
        await send({"type": "http.response.body", "body": self.body})


class Exchange:
    """A request that another app answers, watched on its way: its service, action and status.

    ``body`` is set when it was read, ``error`` when the answer is one.
    """

    def __init__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query_string: str = scope["query_string"].decode("latin-1")
        self.headers = header_texts(scope["headers"])
        self.status = 0
        self.body = b""
        self.error = b""
        self._is_body_taken = False
        self._receive = receive
        self._send = send

    @property
    def service(self) -> str:
        """The signing name of the service, or empty for an unsigned request."""
        credential = self.headers.get("authorization", "").split("/")
        return credential[3] if len(credential) > 4 else ""

    @property
    def request(self) -> HttpRequest:
        """Its parts that hold parameters."""
        query = parse_qs(self.query_string, keep_blank_values=True)
        return HttpRequest(self.method, self.path, self.headers, query, self.body)

    @property
    def access_key_id(self) -> str:
        """Whose key the request names."""
        credential = self.headers.get("authorization", "").partition("Credential=")[2]
        return credential.partition("/")[0]

    @cached_property
    def action(self) -> str:
        """The operation where the protocol names one, else the HTTP method; of a read body."""
        target = self.headers.get("x-amz-target", "").rpartition(".")[2]
        if target:
            return target
        if "/operation/" in self.path:
            return self.path.rpartition("/")[2]
        match = _ACTION.search(self.body[:512]) if self.method == "POST" else None
        return match[1].decode() if match else self.method

    async def receive(self) -> MutableMapping[str, Any]:
        """The body in one piece, then what becomes of the connection."""
        if self._is_body_taken:
            return await self._receive()
        self._is_body_taken = True
        return {"type": "http.request", "body": self.body, "more_body": False}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Pass on what the app answers."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif self.status >= ERROR:
            self.error += message.get("body", b"")
        await self._send(message)


def request_id() -> str:
    """A new id in the form of a UUID, at a fraction of the time that ``uuid`` takes."""
    digits = f"{getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def signed_request(scope: AsgiScope, headers: Mapping[str, str], body: bytes) -> SignedRequest:
    """A request whose body was read, as it was signed."""
    return SignedRequest(
        scope["method"],
        scope["raw_path"].decode("latin-1"),
        scope["query_string"].decode("latin-1"),
        headers,
        body,
    )


def header_texts(pairs: Headers) -> dict[str, str]:
    """Header names in lower case to values; a repeated header's values joined by a comma."""
    texts = {name.decode("latin-1"): value.decode("latin-1") for name, value in pairs}
    return texts if len(texts) == len(pairs) else _joined(pairs)


def _joined(pairs: Headers) -> dict[str, str]:
    texts: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name = raw_name.decode("latin-1")
        value = raw_value.decode("latin-1")
        texts[name] = f"{texts[name]},{value}" if name in texts else value
    return texts


def json_response(content: Mapping[str, Any], status: int = 200) -> Response:
    """An answer in JSON 1.1; times as seconds since the epoch."""
    body = json.dumps(content, default=_seconds).encode()
    return Response(status, [(b"content-type", b"application/x-amz-json-1.1")], body)


def error_response(error: AwsError, request_id: str) -> Response:
    """An error as SDKs read it, from the header or from the body."""
    content = {"__type": error.code, "message": error.message, "Message": error.message}
    body = json.dumps({**content, **error.fields}, default=_seconds).encode()
    headers = [
        (b"content-type", b"application/x-amz-json-1.1"),
        (b"x-amzn-errortype", error.code.encode("latin-1")),
        (b"x-amzn-requestid", request_id.encode()),
    ]
    return Response(error.status, headers, body)


def error_of_service(error: AwsError, exchange: Exchange, request_id: str) -> Response:
    """An error in the protocol that a request to another service speaks."""
    fields, body = error_document(exchange.service, exchange.headers, error, request_id)
    fields |= {"x-amzn-requestid": request_id, "connection": "close"}  # it may not have been read
    headers = [(name.lower().encode(), text.encode("latin-1")) for name, text in fields.items()]
    return Response(error.status, headers, body)


def _seconds(value: object) -> float:
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"{value!r} has no JSON form")

"""HTTP/1.1 on uvicorn, with a short way for requests that arrive whole, as invocations do.

ASGI makes two dictionaries, an event, three messages and four more objects of a request, which is
half of what a small model's answer costs. A request for the short way has its body in the same
segment as its head; one that comes in pieces, or that is anything but plain, goes the way of all.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from localaws.http.wire import Response, header_texts
from localaws.signature import SignedRequest

Serve = Callable[[SignedRequest], Awaitable[Response]]


def whole_requests_to(serve: Serve, is_short: Callable[[bytes], bool]) -> type[asyncio.Protocol]:
    """The protocol of connections; ``serve`` answers whole POSTs to what ``is_short`` says.

    ``serve`` raises nothing.
    """
    return cast("type[asyncio.Protocol]", partial(_Connection, serve, is_short))


class _Exchange:
    """A whole request that is being answered, as uvicorn's protocol sees it."""

    __slots__ = ("disconnected", "keep_alive", "message_event", "response_complete")

    def __init__(self, keep_alive: bool, ended: asyncio.Event) -> None:
        self.keep_alive = keep_alive
        self.response_complete = False
        self.disconnected = False
        self.message_event = ended


class _Connection(HttpToolsProtocol):
    """One connection.

    A request is held from the end of its head to its own end, and handed back to ASGI where that
    has not come with the same segment.
    """

    def __init__(
        self, serve: Serve, is_short: Callable[[bytes], bool], config: Config, **rest: Any
    ) -> None:
        super().__init__(config, **rest)
        self._serve = serve
        self._is_short = is_short
        self._held: list[bytes] | None = None
        self._ended = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._held is not None:
            self._hand_back()

    def on_headers_complete(self) -> None:
        if self._is_short(self.url) and self._may_be_held():
            self._held = []
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self._held is not None:
            self._held.append(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self._held is None:
            super().on_message_complete()
            return
        body, self._held = b"".join(self._held), None
        exchange = _Exchange(self.parser.should_keep_alive(), self._ended)
        self.cycle = cast(RequestResponseCycle, exchange)
        request = SignedRequest(
            "POST", self.url.decode("latin-1"), "", header_texts(self.headers), body
        )
        task = self.loop.create_task(self._answer(exchange, request))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def _may_be_held(self) -> bool:
        """Whether it is a plain POST that nothing is before on this connection."""
        return (
            (self.cycle is None or self.cycle.response_complete)
            and not self.flow.write_paused
            and not self.expect_100_continue
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and not self.parser.should_upgrade()
        )

    def _hand_back(self) -> None:
        held, self._held = self._held or [], None
        super().on_headers_complete()
        for body in held:
            super().on_body(body)

    async def _answer(self, exchange: _Exchange, request: SignedRequest) -> None:
        try:
            response = await self._serve(request)
            exchange.response_complete = True
            if self.transport.is_closing():
                return
            default_headers = self.server_state.default_headers
            self.transport.write(answer_bytes(response, default_headers, exchange.keep_alive))
        except BaseException:
            self.transport.close()  # so that nobody waits for what does not come
            raise
        if not exchange.keep_alive:
            self.transport.close()
        self.on_response_complete()


def answer_bytes(
    response: Response, default_headers: Sequence[tuple[bytes, bytes]], keep_alive: bool
) -> bytes:
    """An answer as it goes over the wire.

    Raises
    ------
    ValueError
        For a header with a line end in it.
    """
    lines = [b"%s: %s\r\n" % header for header in (*default_headers, *response.headers)]
    if not keep_alive:
        lines.append(b"connection: close\r\n")
    head = b"".join(lines)
    if head.count(b"\n") != len(lines) or head.count(b"\r") != len(lines):
        raise ValueError(f"a line end in a header: {head!r}")
    return b"%scontent-length: %d\r\n\r\n%s" % (
        STATUS_LINE[response.status] + head,
        len(response.body),
        response.body,
    )

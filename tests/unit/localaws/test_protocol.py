"""What goes the short way past ASGI, and what does not, over real connections."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

import pytest
import uvicorn

from localaws.http.protocol import answer_bytes, whole_requests_to
from localaws.http.wire import AsgiScope, Receive, Response, Send
from localaws.signature import SignedRequest

HEAD = b"POST /short HTTP/1.1\r\nHost: here\r\n"
WHOLE = HEAD + b"Content-Length: 3\r\n\r\nabc"


class Service:
    """Answers the body, and which way it came."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def short(self, request: SignedRequest) -> Response:
        await self.may_answer.wait()
        return Response(200, [(b"way", b"short")], request.body)

    async def asgi(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        await Response(200, [(b"way", b"asgi")], body).send(send)


class Connection:
    """A client's connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, *pieces: bytes) -> None:
        """Send these so that each arrives by itself."""
        for piece in pieces:
            self._writer.write(piece)
            await self._writer.drain()
            await asyncio.sleep(0.02)

    async def answer(self) -> tuple[str, bytes]:
        """The way and the body of the next answer."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        assert head.startswith("http/1.1 200 ok\r\n")
        fields = dict(line.split(": ", 1) for line in head.splitlines()[1:] if line)
        return fields["way"], await self._reader.readexactly(int(fields["content-length"]))

    async def is_closed(self) -> bool:
        return not await self._reader.read()

    def leave(self) -> None:
        self._writer.close()


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[Service, Connection]]:
    service = Service()
    config = uvicorn.Config(
        service.asgi,
        http=whole_requests_to(service.short, lambda url: url == b"/short"),
        port=0,
        interface="asgi3",
        lifespan="off",
        log_level="critical",
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    connection = Connection(*await asyncio.open_connection("127.0.0.1", port))
    try:
        yield service, connection
    finally:
        connection.leave()
        server.should_exit = True
        await task


def run(test: Callable[[Service, Connection], Awaitable[None]]) -> None:
    async def served() -> None:
        async with serving() as (service, connection):
            await asyncio.wait_for(test(service, connection), 10)

    asyncio.run(served())


def ways_of(pieces: Iterable[bytes], answers: int = 1) -> list[tuple[str, bytes]]:
    """How that many requests are answered, sent in these pieces."""
    found: list[tuple[str, bytes]] = []

    async def exchange(service: Service, connection: Connection) -> None:
        await connection.send(*pieces)
        found.extend([await connection.answer() for _ in range(answers)])

    run(exchange)
    return found


def test_a_whole_post_goes_the_short_way_again_and_again() -> None:
    assert ways_of([WHOLE, WHOLE, WHOLE], answers=3) == [("short", b"abc")] * 3


def test_so_does_one_whose_body_comes_with_the_end_of_its_head() -> None:
    assert ways_of([WHOLE[:20], WHOLE[20:]]) == [("short", b"abc")]


def test_so_does_one_in_chunks() -> None:
    chunked = HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"
    assert ways_of([chunked]) == [("short", b"abc")]


@pytest.mark.parametrize(
    "pieces",
    [
        [WHOLE[:-3], WHOLE[-3:]],
        [WHOLE[:-2], WHOLE[-2:]],
        [WHOLE.replace(b"/short", b"/other")],
        [WHOLE.replace(b"POST", b"PUT")],
        [WHOLE.replace(b"/1.1", b"/1.0")],
    ],
    ids=["body apart", "body torn", "other url", "other method", "old version"],
)
def test_what_is_not_plain_or_not_whole_goes_the_way_of_all(pieces: list[bytes]) -> None:
    assert ways_of(pieces) == [("asgi", b"abc")]


def test_requests_that_follow_at_once_are_answered_in_their_order() -> None:
    other = WHOLE.replace(b"abc", b"def")
    assert ways_of([WHOLE + other + WHOLE], answers=3) == [
        ("short", b"abc"),
        ("asgi", b"def"),
        ("asgi", b"abc"),
    ]


def test_a_client_that_asks_for_it_is_hung_up_on() -> None:
    async def exchange(service: Service, connection: Connection) -> None:
        await connection.send(WHOLE.replace(b"Host", b"Connection: close\r\nHost"))
        assert await connection.answer() == ("short", b"abc")
        assert await connection.is_closed()

    run(exchange)


def test_a_client_that_left_is_not_answered() -> None:
    async def exchange(service: Service, connection: Connection) -> None:
        service.may_answer.clear()
        await connection.send(WHOLE)
        connection.leave()
        await asyncio.sleep(0.02)
        service.may_answer.set()

    run(exchange)  # and the server ends, with nothing left to do


def test_no_header_begins_another_one() -> None:
    response = Response(200, [(b"name", b"value\r\nother: one")], b"")
    with pytest.raises(ValueError, match="a line end in a header"):
        answer_bytes(response, [], keep_alive=True)

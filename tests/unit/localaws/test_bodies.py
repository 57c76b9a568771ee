"""Bodies of requests are read within limits."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from localaws.errors import AwsError
from localaws.http.bodies import Bodies, ClientGoneError

LIMIT = 100


class Client:
    """Sends these chunks; then nothing more, unless the last one was the end."""

    def __init__(self, chunks: Sequence[bytes], *, ends: bool = True) -> None:
        self.sent = 0
        self._chunks = chunks
        self._ends = ends

    async def receive(self) -> dict[str, Any]:
        if self.sent == len(self._chunks):
            await asyncio.sleep(3600)
        chunk = self._chunks[self.sent]
        self.sent += 1
        more = self.sent < len(self._chunks) or not self._ends
        return {"type": "http.request", "body": chunk, "more_body": more}


def read(bodies: Bodies, client: Client, **headers: str) -> bytes:
    async def run() -> bytes:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with bodies.read(named, client.receive, LIMIT) as body:
            return body

    return asyncio.run(run())


def test_a_body_is_its_chunks() -> None:
    assert read(Bodies(), Client([b"ab", b"", b"c"])) == b"abc"


def test_what_is_too_long_by_its_header_is_not_read() -> None:
    client = Client([b"x"])
    with pytest.raises(AwsError, match="at most 100 fit") as refused:
        read(Bodies(), client, content_length="101")
    assert (refused.value.status, client.sent) == (413, 0)


def test_what_is_too_long_without_saying_so_is_refused_when_it_is() -> None:
    client = Client([b"x" * 60] * 10)
    with pytest.raises(AwsError, match="at most 100 fit"):
        read(Bodies(), client)
    assert client.sent == 2


def test_all_bodies_together_are_limited() -> None:
    async def run() -> None:
        bodies = Bodies(in_flight=150)
        headers = {"content-length": "100"}
        async with bodies.read(headers, Client([b"x" * 100]).receive, LIMIT):
            with pytest.raises(AwsError) as refused:
                async with bodies.read(headers, Client([b"x" * 100]).receive, LIMIT):
                    pass
        assert refused.value.status == 503
        async with bodies.read(headers, Client([b"x" * 100]).receive, LIMIT) as body:
            assert len(body) == 100

    asyncio.run(run())


def test_a_half_sent_body_is_given_up() -> None:
    bodies = Bodies(idle_seconds=0.05)
    with pytest.raises(AwsError, match="RequestTimeout"):
        read(bodies, Client([b"x"], ends=False), content_length="2")


def test_a_client_that_goes_is_not_answered() -> None:
    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    client = Client([])
    client.receive = gone  # type: ignore[method-assign]
    with pytest.raises(ClientGoneError):
        read(Bodies(), client)

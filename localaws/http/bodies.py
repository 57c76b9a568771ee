"""Reads the bodies of requests, within limits: of each, of all together, and of time.

What is too long is refused on its header, before a byte is read.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from localaws.errors import AwsError
from localaws.http.wire import Receive

IN_FLIGHT_BYTES = 768 * 1024 * 1024
IDLE_SECONDS = 20.0
"""S3 ends a connection that brings nothing for about this long: its RequestTimeout."""
SLOWEST_BYTES_PER_SECOND = 64 * 1024


class ClientGoneError(Exception):
    """The client went before its request was whole."""


class Bodies:
    """The bodies that are being read and answered."""

    def __init__(
        self, in_flight: int = IN_FLIGHT_BYTES, idle_seconds: float = IDLE_SECONDS
    ) -> None:
        self._room = in_flight
        self._idle_seconds = idle_seconds

    @asynccontextmanager
    async def read(
        self, headers: Mapping[str, str], receive: Receive, limit: int
    ) -> AsyncIterator[bytes]:
        """The body of a request, which counts as being held until the block ends.

        Raises
        ------
        AwsError
            Status 413 for more than ``limit`` bytes, 503 for more than all may take together, 400
            for a body that does not go on.
        ClientGoneError
            When the client goes away meanwhile.
        """
        declared = headers.get("content-length", "")
        expected = int(declared) if declared.isdecimal() else 0
        if expected > limit:
            raise _too_long(expected, limit)
        with self.hold(expected) as held:
            yield await self._read(receive, limit, held)

    def hold(self, size: int) -> "_Held":
        """Count so many bytes as being held, until the block of the ``with`` statement ends.

        Raises
        ------
        AwsError
            Status 503 where that is more than all may take together.
        """
        return _Held(self, size)

    async def _read(self, receive: Receive, limit: int, held: "_Held") -> bytes:
        chunks: list[bytes] = []
        size = 0
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(self._idle_seconds) as timeout:
                while True:
                    message = await receive()
                    if message["type"] != "http.request":
                        raise ClientGoneError
                    chunk: bytes = message.get("body", b"")
                    if not message.get("more_body"):
                        size += len(chunk)
                        break
                    chunks.append(chunk)
                    size += len(chunk)
                    if size > limit:
                        raise _too_long(size, limit)
                    held.take(max(size, held.size))
                    latest = began + self._idle_seconds + size / SLOWEST_BYTES_PER_SECOND
                    timeout.reschedule(min(loop.time() + self._idle_seconds, latest))
        except TimeoutError:
            raise AwsError(
                "RequestTimeout",
                "Your socket connection to the server was not read from or written to within the"
                " timeout period. Idle connections will be closed.",
                400,
            ) from None
        if size > limit:
            raise _too_long(size, limit)
        return b"".join([*chunks, chunk]) if chunks else chunk

    def _take(self, size: int) -> None:
        if size > self._room:
            raise AwsError(
                "SlowDown",
                "localaws holds as many request bodies as it may at a time; try again, or upload"
                " in smaller parts",
                503,
            )
        self._room -= size


class _Held:
    """What one body takes of the room for all."""

    def __init__(self, bodies: Bodies, size: int) -> None:
        self._bodies = bodies
        self.size = 0
        self.take(size)

    def __enter__(self) -> "_Held":
        return self

    def __exit__(self, *_: object) -> None:
        self.take(0)

    def take(self, size: int) -> None:
        """Take this much in all, or give it back."""
        self._bodies._take(size - self.size)
        self.size = size


def _too_long(size: int, limit: int) -> AwsError:
    return AwsError(
        "EntityTooLarge", f"The request body has {size} bytes; at most {limit} fit", 413
    )

"""A load generator for one HTTP/1.1 server: requests prepared beforehand, sent over a few sockets.

boto3 spends 600 microseconds of CPU on each call, more than the server that is measured.
"""

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import uvloop
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


@dataclass(frozen=True)
class Load:
    """What a run came to; ``seconds`` are the latencies of the single requests."""

    requests_per_second: float
    seconds: tuple[float, ...]

    @property
    def p50_milliseconds(self) -> float:
        """The median latency."""
        return self.percentile_milliseconds(50)

    def percentile_milliseconds(self, percentile: int) -> float:
        """The latency that so many percent of the requests do not exceed; 1 to 99."""
        return statistics.quantiles(self.seconds, n=100)[percentile - 1] * 1000


class Connection(asyncio.Protocol):
    """One keep-alive connection that sends the next request when an answer is complete.

    It sends every request at least once, then starts again until the time is up.
    """

    def __init__(self, requests: Sequence[bytes], until: float) -> None:
        self._requests = requests
        self._until = until
        self._next = 0
        self._sent_at = 0.0
        self._received = b""
        self.latencies: list[float] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator or len(body) < content_length(head):
            return
        if not head.startswith(b"HTTP/1.1 200 "):
            self.done.set_exception(RuntimeError(self._received.decode("latin-1")))
            self._transport.close()
            return
        now = time.perf_counter()
        self.latencies.append(now - self._sent_at)
        self._received = b""
        if now < self._until or self._next < len(self._requests):
            self._send()
        else:
            self._transport.close()
            self.done.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("the server closed the connection"))

    def _send(self) -> None:
        request = self._requests[self._next % len(self._requests)]
        self._next += 1
        self._sent_at = time.perf_counter()
        self._transport.write(request)


def content_length(head: bytes) -> int:
    """The Content-Length of a response head."""
    _, _, rest = head.lower().partition(b"content-length:")
    return int(rest.split(b"\r\n", 1)[0])


def measure(port: int, requests: Sequence[bytes], *, connections: int, seconds: float) -> Load:
    """Send all requests, over and over for some seconds; every answer has to be a 200."""
    load: Load = uvloop.run(_measure(port, [requests] * connections, seconds))
    return load


def measure_once(port: int, requests: Sequence[bytes], *, connections: int) -> Load:
    """Send each request once, a share of them over each connection."""
    shares = [requests[first::connections] for first in range(connections)]
    load: Load = uvloop.run(_measure(port, shares, 0))
    return load


async def _measure(port: int, shares: Sequence[Sequence[bytes]], seconds: float) -> Load:
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    opened = [
        (
            await loop.create_connection(
                partial(Connection, requests, began + seconds), "127.0.0.1", port
            )
        )[1]
        for requests in shares
    ]
    await asyncio.gather(*(connection.done for connection in opened))
    latencies = tuple(latency for c in opened for latency in c.latencies)
    return Load(len(latencies) / (time.perf_counter() - began), latencies)


def post(port: int, path: str, headers: dict[str, str], body: bytes, method: str = "POST") -> bytes:
    """The bytes of a request with a body."""
    fields = {"Host": f"127.0.0.1:{port}", **headers, "Content-Length": str(len(body))}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def invocation(
    port: int, credentials: Credentials, endpoint: str, target_model: str, body: bytes
) -> bytes:
    """The bytes of a signed InvokeEndpoint; good for five minutes."""
    path = f"/endpoints/{endpoint}/invocations"
    headers = {
        "Content-Type": "text/csv",
        "Accept": "*/*",
        "X-Amzn-SageMaker-Target-Model": target_model,
    }
    request = AWSRequest("POST", f"http://127.0.0.1:{port}{path}", headers=headers, data=body)
    SigV4Auth(credentials, "sagemaker", "us-east-1").add_auth(request)
    return post(port, path, dict(request.headers.items()), body)


def put_object(port: int, credentials: Credentials, bucket: str, key: str, body: bytes) -> bytes:
    """The bytes of a signed PutObject; good for fifteen minutes."""
    path = f"/{bucket}/{key}"
    request = AWSRequest("PUT", f"http://127.0.0.1:{port}{path}", data=body)
    S3SigV4Auth(credentials, "s3", "us-east-1").add_auth(request)
    return post(port, path, dict(request.headers.items()), body, "PUT")

"""A CONNECT proxy on loopback: AWS's addresses lead to localaws, others where they always did.

Some clients have addresses of AWS in their code, past any profile: the SageMaker SDKs ask
``https://sts.REGION.amazonaws.com`` who they are. With HTTPS_PROXY they ask here.
https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6
"""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable, Mapping
from functools import cache
from urllib.parse import urlsplit

from localaws.proxy.certificates import DOMAINS, Authority

HEAD_SECONDS = 10.0
OPEN_SECONDS = 20.0
MAXIMUM_HEAD = 16 * 1024
MAXIMUM_TUNNELS = 256
CHUNK = 1 << 16
HTTPS_PORT = 443

logger = logging.getLogger(__name__)

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class ConnectProxy:
    """Tunnels; those to AWS end at the address ``here``.

    ``authority`` gives what vouches for AWS's names there; ``upstream`` is another proxy,
    ``host:port``, by which all others go.
    """

    def __init__(
        self,
        listener: socket.socket,
        here: tuple[str, int],
        authority: Callable[[], Authority],
        upstream: str = "",
    ) -> None:
        self._listener = listener
        self._here = here
        self._authority = cache(authority)
        self._upstream = upstream
        self._tunnels = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Take connections, on the running event loop."""
        self._server = await asyncio.start_server(
            self._serve, sock=self._listener, limit=MAXIMUM_HEAD
        )

    def stop(self) -> None:
        """Take no more."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tunnels += 1
        try:
            if self._tunnels > MAXIMUM_TUNNELS:
                await _answer(writer, "503 Too many tunnels")
            else:
                await self._tunnel(reader, writer)
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            logger.debug("a tunnel ended: %s", error)
        finally:
            self._tunnels -= 1
            writer.close()

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = await _read_target(reader, writer)
        if not host:
            return
        if is_aws(host) and port == HTTPS_PORT:
            # Before the answer: what a client says between it and start_tls would be lost.
            context = await asyncio.to_thread(self._context, host)
            there = await asyncio.open_connection(*self._here)
            await _answer(writer, "200 Connection established")
            await writer.start_tls(context)
        else:
            try:
                there = await asyncio.wait_for(self._open(host, port), OPEN_SECONDS)
            except (OSError, TimeoutError) as error:
                await _answer(writer, f"502 {host} cannot be reached: {_one_line(error)}")
                return
            await _answer(writer, "200 Connection established")
        await _relay((reader, writer), there)

    def _context(self, host: str) -> ssl.SSLContext:
        return self._authority().context(host)

    async def _open(self, host: str, port: int) -> Streams:
        if not self._upstream:
            return await asyncio.open_connection(host, port)
        proxy = urlsplit(f"//{self._upstream}")
        reader, writer = await asyncio.open_connection(proxy.hostname, proxy.port or 80)
        writer.write(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200" not in head.partition(b"\r\n")[0]:
            writer.close()
            raise OSError(head.partition(b"\r\n")[0].decode("latin-1"))
        return reader, writer


def is_aws(host: str) -> bool:
    """Whether a name is one of AWS's."""
    return any(host == domain or host.endswith(f".{domain}") for domain in DOMAINS)


def upstream_of(environment: Mapping[str, str], own_port: int) -> str:
    """The proxy that this machine uses for others, ``host:port``; never this one."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        parts = urlsplit(environment.get(name, ""))
        if parts.scheme == "http" and parts.hostname:
            is_here = parts.hostname in ("127.0.0.1", "localhost")
            if not (is_here and parts.port == own_port):
                return f"{parts.hostname}:{parts.port or 80}"
    return ""


async def _read_target(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> tuple[str, int]:
    """The host and port that a tunnel is for; no host when it was refused."""
    try:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), HEAD_SECONDS)
    except asyncio.LimitOverrunError:
        await _answer(writer, "431 Request header fields too large")
        return "", 0
    method, _, rest = head.decode("latin-1").partition(" ")
    host, _, port = rest.partition(" ")[0].rpartition(":")
    if method != "CONNECT" or not host or not port.isdecimal() or int(port) > 65535:
        await _answer(writer, "405 localaws tunnels https only", "Allow: CONNECT\r\n")
        return "", 0
    return host.strip("[]").lower(), int(port)


async def _answer(writer: asyncio.StreamWriter, status: str, headers: str = "") -> None:
    writer.write(f"HTTP/1.1 {status}\r\n{headers}\r\n".encode("latin-1", "replace"))
    await writer.drain()


async def _relay(one: Streams, other: Streams) -> None:
    """Copy both ways until both have ended, or one has broken."""
    copies = [
        asyncio.ensure_future(_copy(one[0], other[1])),
        asyncio.ensure_future(_copy(other[0], one[1])),
    ]
    try:
        await asyncio.gather(*copies)
    finally:
        for copy in copies:
            copy.cancel()
        other[1].close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
    with contextlib.suppress(OSError):
        if writer.can_write_eof():
            writer.write_eof()
        else:
            writer.close()  # TLS has no half of an end.


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__

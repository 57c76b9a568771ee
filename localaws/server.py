"""The server: an ASGI app on uvicorn that shares requests out between the services."""

import asyncio
import contextlib
import socket

import uvicorn

from localaws.ministack import embedding
from localaws.ministack.embedding import AsgiScope, Receive, Send
from localaws.state import State

HEALTH_PATH = "/_localaws/health"


class Front:
    """Takes every request: SageMaker's are answered here, the others by MiniStack."""

    def __init__(self, state: State) -> None:
        from localaws.ministack.persistence import Persistence

        self._state = state
        self._ministack = embedding.MiniStack()
        self._persistence = Persistence(state)
        self._background: list[asyncio.Task[None]] = []

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        match scope["type"]:
            case "http":
                await self._answer(scope, receive, send)
            case "lifespan":
                await self._live(receive, send)

    async def _answer(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        if scope["path"] == HEALTH_PATH:
            await _send(send, 200, b'{"status":"ok"}')
            return
        await self._ministack(scope, receive, send)
        if scope["method"] not in ("GET", "HEAD"):
            self._persistence.touch()

    async def _live(self, receive: Receive, send: Send) -> None:
        """Start and stop with uvicorn: https://asgi.readthedocs.io/en/latest/specs/lifespan.html."""
        await receive()
        await self._start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _start(self) -> None:
        from localaws.ministack.administrator import put_administrator

        self._ministack.start()
        self._persistence.load()
        put_administrator(self._state)
        self._background.append(asyncio.create_task(self._persistence.run()))

    async def _stop(self) -> None:
        for task in self._background:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._persistence.save()


def serve(state: State, listener: socket.socket) -> None:
    """Answer requests on ``listener`` until SIGTERM or SIGINT, then save the state."""
    embedding.configure(state, listener.getsockname()[1])
    config = uvicorn.Config(
        Front(state),
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
    )
    uvicorn.Server(config).run(sockets=[listener])


async def _send(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

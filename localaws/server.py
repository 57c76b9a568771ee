"""The server: an ASGI app on uvicorn that shares requests out between the services."""

import asyncio
import gc
import logging
import os
import socket
import time
from collections.abc import Awaitable, Callable
from functools import cached_property

import uvicorn
from starlette.types import ASGIApp

from localaws.admission.reading import HttpRequest
from localaws.authorization import Caller
from localaws.backend import Scope
from localaws.cloudtrail.records import Asked, is_management
from localaws.errors import AwsError
from localaws.hosting.logs import RegularFlush
from localaws.http.access_log import AccessLog, entry_of, entry_of_exchange
from localaws.http.bodies import Bodies, ClientGoneError
from localaws.http.entrance import UNKNOWN_BYTES, Entrance, check_hash
from localaws.http.invocations import endpoint_arn, is_invocation, is_invocation_url
from localaws.http.protocol import whole_requests_to
from localaws.http.wire import (
    AsgiScope,
    Exchange,
    Receive,
    Response,
    Send,
    error_of_service,
    error_response,
    header_texts,
    request_id,
    signed_request,
)
from localaws.profile import PAGE_PATH, endpoint_url
from localaws.proxy.certificates import Authority
from localaws.proxy.connect import ConnectProxy, upstream_of
from localaws.services import Services
from localaws.signature import SignedRequest
from localaws.state import State, StateError
from localaws.watchdog import Watchdog

HEALTH_PATH = "/_localaws/health"
PAGE_PREFIX = f"{PAGE_PATH}/"
SAVE_SECONDS = 0.25
"""Between two savings, each of which takes a moment: what is older than a second is on disk."""
MAXIMUM_REQUEST_BYTES = 32 * 1024 * 1024

logger = logging.getLogger(__name__)

Answer = Callable[[SignedRequest, Caller], Awaitable[Response]]


class Front:
    """Takes every request: SageMaker's are answered here, the others by MiniStack."""

    def __init__(self, state: State, port: int, proxy: ConnectProxy) -> None:
        self._state = state
        self._port = port
        self._services = Services(state, endpoint_url(port))
        self._proxy = proxy
        self._log = AccessLog(state.access_log)
        self._bodies = Bodies()
        persistence = self._services.persistence
        self._entrance = Entrance(
            self._services.authorizer, state.directory, lambda: persistence.trouble
        )
        self.failure: StateError | None = None
        """Why it could not start."""

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] != "http":
            return
        elif is_invocation(scope["path"]):
            await self._answer(self._services.invocations.answer, scope, receive, send)
        elif self._services.operations.serve(scope["headers"]):
            await self._operate(scope, receive, send)
        elif scope["path"] == HEALTH_PATH:
            await Response(200, [], b"").send(send)
        elif scope["path"].startswith(PAGE_PREFIX):
            await self._page(scope, receive, send)
        else:
            await self._pass_on(scope, receive, send)

    @cached_property
    def _page(self) -> ASGIApp:
        """The page; imported when it is first asked for."""
        from localaws.page.app import page_app
        from localaws.page.clients import Clients
        from localaws.page.door import page_token

        clients = Clients(self._state, endpoint_url(self._port))
        token = page_token(self._state.directory)
        return page_app(clients, self._services.runtime, token, self._port)

    async def _operate(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        await self._answer(self._call, scope, receive, send)

    async def _call(self, request: SignedRequest, caller: Caller) -> Response:
        """Call an operation of the control plane."""
        operation = request.headers.get("x-amz-target", "").rpartition(".")[2]
        self._entrance.check_room(operation, len(request.body))
        return await self._services.operations.answer(request, caller)

    async def _answer(self, answer: Answer, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Read a request to SageMaker and answer it."""
        headers = header_texts(scope["headers"])
        request = signed_request(scope, headers, b"")
        try:
            if int(headers.get("content-length") or UNKNOWN_BYTES) >= UNKNOWN_BYTES:
                self._services.authorizer.authenticate_head(request)
            async with self._bodies.read(headers, receive, MAXIMUM_REQUEST_BYTES) as body:
                response = await self._response(answer, signed_request(scope, headers, body))
        except ClientGoneError:
            return
        except AwsError as refused:
            response = self._refusal(request, refused, None, request_id())
            response.headers.append((b"connection", b"close"))  # it may not have been read
        await response.send(send)

    async def answer_invocation(self, request: SignedRequest) -> Response:
        """Answer an invocation that arrived whole."""
        try:
            with self._bodies.hold(len(request.body)):
                return await self._response(self._services.invocations.answer, request)
        except AwsError as refused:
            return self._refusal(request, refused, None, request_id())

    async def _response(self, answer: Answer, request: SignedRequest) -> Response:
        """Authenticate and answer a request to SageMaker, and note who asked for what."""
        identity = request_id()
        caller = None
        try:
            caller = self._services.authorizer.authenticate(request)
            response = await answer(request, caller)
        except AwsError as error:
            return self._refusal(request, error, caller, identity)
        except Exception as failure:
            logger.exception("%s %s failed", request.method, request.raw_path)
            broken = AwsError("InternalFailure", f"localaws failed: {failure!r}", 500)
            return self._refusal(request, broken, caller, identity)
        response.headers.append((b"x-amzn-requestid", identity.encode()))
        self._log_and_note(request, caller, response, None, identity)
        return response

    def _refusal(
        self, request: SignedRequest, error: AwsError, caller: Caller | None, identity: str
    ) -> Response:
        response = error_response(error, identity)
        self._log_and_note(request, caller, response, error, identity)
        return response

    async def _pass_on(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Let MiniStack answer, and note it and what it may have changed."""
        began = time.perf_counter()
        exchange = Exchange(scope, receive, send)
        try:
            limit = self._entrance.limit(exchange)
            async with self._bodies.read(exchange.headers, receive, limit) as exchange.body:
                check_hash(exchange.headers, exchange.body)
                self._entrance.check_room(exchange.action, len(exchange.body))
                await self._services.pass_on(exchange)
        except ClientGoneError:
            return
        except AwsError as error:
            await self._refuse(exchange, error, send)
        except Exception as failure:
            problem = self._services.problem_of(exchange)
            if problem is None:
                logger.exception("%s %s failed", exchange.method, exchange.path)
                problem = AwsError("InternalFailure", f"localaws failed: {failure!r}", 500)
            if not exchange.status:  # nothing was answered yet
                await self._refuse(exchange, problem, send)
        self._log.add(entry_of_exchange(exchange, time.perf_counter() - began))
        self._note_exchange(exchange)

    def _log_and_note(
        self,
        request: SignedRequest,
        caller: Caller | None,
        response: Response,
        error: AwsError | None,
        identity: str,
    ) -> None:
        """Log a request to a service that is answered here, and tell CloudTrail of it."""
        seconds = time.perf_counter() - request.arrived
        self._log.add(entry_of(request, response.status, caller, seconds, error))
        if caller is None:
            return
        endpoint = ""
        if is_invocation(request.raw_path):
            if not self._services.recorder.records_invocations:
                return
            endpoint = endpoint_arn(caller.scope, request.raw_path)
        body = b"" if endpoint else request.body
        self._services.recorder.note(
            Asked(
                time.time(),
                caller.scope,
                caller.identity,
                caller.access_key_id,
                caller.service,
                HttpRequest(request.method, request.raw_path, request.headers, {}, body),
                identity,
                response.status,
                b"" if endpoint else response.body,
                error,
                endpoint,
            )
        )

    def _note_exchange(self, exchange: Exchange) -> None:
        """Tell CloudTrail of a request that MiniStack answered."""
        if not is_management(exchange.service, exchange.path, exchange.action):
            return
        owner = self._services.authorizer.owner(exchange.access_key_id)
        if owner is None:
            return
        region = exchange.headers["authorization"].split("/")[2]
        self._services.recorder.note(
            Asked(
                time.time(),
                Scope(owner.principal.account_id, region),
                owner,
                exchange.access_key_id,
                exchange.service,
                exchange.request,
                request_id(),
                exchange.status,
                exchange.error,
            )
        )

    async def _refuse(self, exchange: Exchange, error: AwsError, send: Send) -> None:
        response = error_of_service(error, exchange, request_id())
        exchange.status = response.status
        await response.send(send)

    async def _live(self, receive: Receive, send: Send) -> None:
        """Start and stop with uvicorn: https://asgi.readthedocs.io/en/latest/specs/lifespan.html."""
        await receive()
        try:
            await self._services.start()
        except StateError as error:
            self.failure = error
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        gc.freeze()
        gc.enable()
        await self._proxy.start()
        saving = RegularFlush(self._save, SAVE_SECONDS)
        self._services.persistence.hurry_with(saving.soon)
        saving.start()
        watchdog = Watchdog()
        watchdog.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._proxy.stop()
        watchdog.stop()
        await self._services.stop()
        await asyncio.to_thread(saving.stop)
        self._services.save()
        await send({"type": "lifespan.shutdown.complete"})

    def _save(self) -> None:
        """Write what came in since the last time; on a thread of its own."""
        try:
            self._log.flush()
        except OSError as error:
            logger.error("The access log could not be written: %s", error)
        self._services.save_changes()


def serve(state: State, listener: socket.socket, proxy_listener: socket.socket) -> None:
    """Answer requests on ``listener`` until SIGTERM or SIGINT, then save the state.

    ``proxy_listener`` takes the clients that know AWS's own addresses only.

    Raises ``StateError`` when what an earlier run left cannot be read.
    """
    proxy = ConnectProxy(
        proxy_listener,
        listener.getsockname(),
        lambda: Authority.open(state.directory),
        upstream_of(os.environ, proxy_listener.getsockname()[1]),
    )
    front = Front(state, listener.getsockname()[1], proxy)
    config = uvicorn.Config(
        front,
        http=whole_requests_to(front.answer_invocation, is_invocation_url),
        lifespan="on",
        access_log=False,
        proxy_headers=False,
        log_level="warning",
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
    )
    try:
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        if front.failure is not None:
            raise front.failure  # in place of uvicorn's bare exit

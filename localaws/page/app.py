"""The page as an ASGI app: its files, what it shows as JSON, and its one form."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from localaws.hosting.runtime import Runtime
from localaws.page.account_views import AccountViews
from localaws.page.clients import Clients
from localaws.page.door import Door
from localaws.page.endpoint_views import EndpointViews
from localaws.profile import PAGE_PATH

STATIC = Path(__file__).with_name("static")
FILES = ("page.css", "page.js")
MAXIMUM_BODY_BYTES = 64 * 1024
MAXIMUM_MINUTES = 24 * 60
MAXIMUM_MOMENT = 2**32


def page_app(clients: Clients, runtime: Runtime, token: str, port: int) -> ASGIApp:
    """The page behind its door."""
    account, endpoints = AccountViews(clients, runtime), EndpointViews(clients, runtime)
    routes = [
        Route("/", _file("index.html")),
        *[Route(f"/{name}", _file(name)) for name in FILES],
        Route("/api/overview", _view(lambda request: account.overview())),
        Route("/api/dashboard", _view(lambda request: _dashboard(account, request))),
        Route("/api/models", _view(lambda request: endpoints.models(_named(request, "endpoint")))),
        Route("/api/access", _view(lambda request: endpoints.access(_named(request, "endpoint")))),
        Route("/api/log", _view(lambda request: _log(account, request))),
        Route("/api/history", _view(lambda request: account.history(_named(request, "run")))),
        Route("/api/times", _view(lambda request: _times(endpoints, request))),
        Route("/api/invoke", _invoking(endpoints), methods=["POST"]),
    ]
    return Door(Starlette(routes=[Mount(PAGE_PATH, routes=routes)]), token, port, PAGE_PATH)


def _file(name: str) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        return FileResponse(STATIC / name)

    return answer


def _view(read: Callable[[Request], Any]) -> Callable[[Request], Any]:
    """Answer with what ``read`` returns; on a thread, since it asks this very server."""

    async def answer(request: Request) -> Response:
        try:
            return JSONResponse(await run_in_threadpool(read, request))
        except (ClientError, BotoCoreError, ValueError) as error:
            return JSONResponse({"error": str(error)}, 400)

    return answer


def _invoking(endpoints: EndpointViews) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        if int(request.headers.get("content-length", MAXIMUM_BODY_BYTES + 1)) > MAXIMUM_BODY_BYTES:
            return JSONResponse({"error": f"at most {MAXIMUM_BODY_BYTES} bytes"}, 413)
        try:
            asked = await request.json()
            named = (asked["endpoint"], asked["target_model"], asked["content_type"], asked["body"])
            if not all(isinstance(value, str) for value in named):
                raise ValueError("endpoint, target_model, content_type and body are texts")
            return JSONResponse(await run_in_threadpool(endpoints.invoke, *named))
        except (KeyError, TypeError, ValueError, BotoCoreError) as error:
            return JSONResponse({"error": str(error)}, 400)

    return answer


def _named(request: Request, name: str) -> str:
    value = request.query_params.get(name)
    if not value:
        raise ValueError(f"{name} is missing")
    return value


def _dashboard(account: AccountViews, request: Request) -> Any:
    minutes = int(_named(request, "minutes"))
    if not 1 <= minutes <= MAXIMUM_MINUTES:
        raise ValueError(f"minutes is {minutes}; allowed: 1 to {MAXIMUM_MINUTES}")
    return account.dashboard(_named(request, "name"), minutes)


def _log(account: AccountViews, request: Request) -> Any:
    return account.log(_named(request, "group"), _named(request, "job"))


def _times(endpoints: EndpointViews, request: Request) -> Any:
    since = float(_named(request, "since"))
    if not 0 <= since < MAXIMUM_MOMENT:
        raise ValueError(f"since is {since:g}; allowed: seconds since the epoch")
    return endpoints.times(_named(request, "endpoint"), since)

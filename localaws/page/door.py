"""Who may open the page: the person at this machine, and no other web page in their browser.

Any page can send requests to a port on loopback, so the address alone proves nothing. A request has
to name loopback as its host (against DNS rebinding), come from the page itself (against forged
requests), and carry the token of this localaws, which ``localaws open`` hands over once and a
cookie keeps. See https://developer.mozilla.org/docs/Web/HTTP/Headers/Sec-Fetch-Site.
"""

import hmac
import secrets
from collections.abc import Mapping
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from localaws.files import write_atomically

COOKIE = "localaws-page"
PROTECTION: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; form-action 'self'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def page_token(directory: Path) -> str:
    """The token of the localaws in a state folder; drawn once, readable by its owner alone."""
    path = directory / "page-token"
    if not path.exists() or not path.read_text().strip():
        write_atomically(path, secrets.token_urlsafe(32).encode(), mode=0o600)
    return path.read_text().strip()


class Door:
    """Lets requests of the page through to ``app``, and answers all others itself."""

    def __init__(self, app: ASGIApp, token: str, port: int, path: str) -> None:
        self._app = app
        self._token = token
        self._hosts = frozenset({f"127.0.0.1:{port}", f"localhost:{port}"})
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        refusal = self._refusal(request)
        if refusal is not None:
            await refusal(scope, receive, send)
            return

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(PROTECTION)
            await send(message)

        await self._app(scope, receive, protected)

    def _refusal(self, request: Request) -> Response | None:
        host = request.headers.get("host", "")
        if host not in self._hosts:
            return PlainTextResponse(f"{host} is not this localaws", 403)
        origin = request.headers.get("origin")
        if origin is not None and origin.removeprefix("http://") != host:
            return PlainTextResponse(f"the page {origin} may not ask localaws", 403)
        given = request.query_params.get("token")
        if given is not None and request.method == "GET" and self._is_token(given):
            response = RedirectResponse(f"{self._path}/", 303, headers=dict(PROTECTION))
            response.set_cookie(
                COOKIE, self._token, httponly=True, samesite="strict", path=self._path
            )
            return response
        if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return PlainTextResponse("another page may not ask localaws", 403)
        if not self._is_token(request.cookies.get(COOKIE, "")):
            return PlainTextResponse("open it with: localaws open", 403)
        return None

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._token.encode())

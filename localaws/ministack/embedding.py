"""MiniStack inside this process: its settings, its start and its ASGI app."""

import asyncio
import os
import re
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from localaws.ministack import patches
from localaws.ministack.absent import Handlers
from localaws.state import HOST, State

AsgiScope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Handler = Callable[..., Awaitable[Any]]
Answer = tuple[int, dict[str, str], bytes]
ServiceHandler = Callable[
    [str, str, dict[str, str], bytes, dict[str, list[str]]], Awaitable[Answer]
]

SERVICES = (
    "apigateway",
    "cloudformation",
    "cognito-idp",
    "dynamodb",
    "ecr",
    "events",
    "iam",
    "kms",
    "lambda",
    "logs",
    "monitoring",
    "s3",
    "scheduler",
    "sns",
    "ssm",
    "states",
    "sts",
    "tagging",
)
"""What MiniStack answers for, by MiniStack's names; all its other services stay off."""
ALSO = ("application-autoscaling", "cloudtrail", "sagemaker", "sagemaker-runtime", "servicequotas")
"""What localaws answers for itself."""
MODULES = ("iam", "s3", "kms", "ssm", "ecr")
"""The modules of those that keep state in small."""
LATE_SERVICES = {
    "sns": "sns",
    "dynamodb": "dynamodb",
    "lambda": "lambda_svc",
    "events": "eventbridge",
    "scheduler": "scheduler",
    "states": "stepfunctions",
    "apigateway": "apigateway_v1",
    "cognito-idp": "cognito",
    "cloudformation": "cloudformation",
}
"""Services whose modules take long to import, with those: they are loaded once the server answers.
"""


def settings(state: State, port: int) -> dict[str, str]:
    """What MiniStack reads from the environment when it is imported."""
    return {
        "AUTH": "true",
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "false",
        "LAMBDA_ACCOUNT_CONCURRENCY": "10",
        "LAMBDA_EXECUTOR": "local",
        "LOG_LEVEL": "WARNING",
        "MINISTACK_HOST": HOST,
        "MINISTACK_ACCOUNT_ID": state.account_id,
        "MINISTACK_REGION": state.region,
        "PERSIST_STATE": "1",
        "S3_DATA_DIR": str(state.objects_directory),
        "S3_PERSIST": "1",
        "SERVICES": ",".join(SERVICES),
        "SFTP_ENABLED": "false",
        "STATE_DIR": str(state.services_directory),
    }


def configure(state: State, port: int) -> None:
    """Set what MiniStack reads from the environment when it is imported.

    Raises
    ------
    RuntimeError
        When it was imported before.
    """
    if "ministack.app" in sys.modules:
        raise RuntimeError("MiniStack was imported before it was configured")
    os.environ.update(settings(state, port))
    # It starts no container of Docker's here, whose SDK would be a sixth of the time of a start.
    sys.modules["docker"] = None  # type: ignore[assignment]


_API_HOST = re.compile(r"([a-z0-9]+)\.execute-api\.[a-z0-9-]+\.amazonaws\.com(:443)?")
"""Where a REST API answers."""


def header_pairs(fields: dict[str, Any]) -> list[tuple[bytes, bytes]]:
    """The headers of a service's answer as ASGI has them."""
    from ministack import app

    pairs: list[tuple[bytes, bytes]] = app._asgi_header_list(fields)
    return pairs


def is_api(host: str) -> bool:
    """Whether a request to this host is for an API of API Gateway."""
    return _API_HOST.fullmatch(host) is not None


class MiniStack:
    """The running services.

    MiniStack's own ASGI lifespan is left out: it looks for Docker, runs scripts from folders of the
    machine and starts listeners, none of which belongs on a developer's machine unasked.
    """

    def __init__(self) -> None:
        self._app = _import_app()
        patches.replace(self._app, "SERVICE_HANDLERS", lambda present: Handlers(present, ALSO))

    def admit(self, admitted: Callable[[str, ServiceHandler], ServiceHandler]) -> None:
        """Put a check before every service: ``admitted`` wraps what answers for one by its name."""
        for service, handler in self._app.SERVICE_HANDLERS.items():
            self._app.SERVICE_HANDLERS[service] = admitted(service, handler)

    def start(self) -> None:
        """Take the running event loop as the one that serves."""
        loop = asyncio.get_running_loop()
        patches.replace(self._app, "_MAIN_LOOP", lambda _: loop)
        loop.set_default_executor(ThreadPoolExecutor(32, thread_name_prefix="localaws"))

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        # Loopback counts as TLS: bucket policies that enforce it would deny every call otherwise.
        headers = [*scope["headers"], (b"x-forwarded-proto", b"https")]
        await self._app.app({**scope, "headers": headers}, receive, _without_date(send))


def _without_date(send: Send) -> Send:
    """Drop the Date header: uvicorn sends one, and clients take their clock from it."""

    async def send_without_date(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            kept = [pair for pair in message.get("headers", []) if pair[0].lower() != b"date"]
            message = {**message, "headers": kept}
        await send(message)

    return send_without_date


def _import_app() -> Any:
    """Import MiniStack with its unchecked root keys switched off.

    MiniStack takes ``test``, twelve digits or no key at all for the account's root and does not
    check their signature. Here every caller is a user, a role or a session. The function is
    replaced before other modules bind it.
    """
    from ministack.core import iam_evaluator

    patches.replace(iam_evaluator, "is_root_access_key", lambda _: lambda access_key_id: False)
    from ministack import app
    from ministack.core import router

    # What a request is signed for, it is for; whether there is such a service is told later.
    patches.replace(router, "_is_aws_service_name", lambda _: lambda scope_name: True)
    # Both answer before any signature is checked: ``/_ministack/reset`` among them, which any web
    # page that the developer visits could call.
    patches.replace(app, "_handle_pre_body_request", lambda _: _nothing)
    patches.replace(app, "_handle_special_data_plane_request", lambda _: _apis_only(app))
    patches.replace(app, "_handle_post_body_shortcuts", _custom_resources_only)
    return app


def _apis_only(app: Any) -> Handler:
    """Of the data planes only that of API Gateway, which checks who calls."""

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: Any, *further: Any,
        **named: Any,
    ) -> Any:  # fmt: skip
        api = _API_HOST.fullmatch(headers.get("host", ""))
        if api is None:
            return None
        host = f"{api[1]}.execute-api.{HOST}"
        return await app._handle_execute_api_request(host, path, method, headers, body, query)

    return handle


def _custom_resources_only(shortcuts: Handler) -> Handler:
    """Of the shortcuts only the address to which a custom resource's function sends its answer.

    Nobody can guess it, as that of the presigned URL that CloudFormation hands out.
    """

    async def handle(method: str, path: str, *further: Any) -> Any:
        if not path.startswith("/_ministack/cfn-response/"):
            return None
        return await shortcuts(method, path, *further)

    return handle


async def _nothing(*arguments: Any, **named: Any) -> None:
    """What MiniStack's functions return when a request is not theirs."""

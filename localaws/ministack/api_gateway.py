"""API Gateway's REST APIs: their addresses, and what they ask of SageMaker's runtime.

An API answers at ``ID.execute-api.REGION.amazonaws.com``, which leads here by the proxy.
https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-call-api.html
"""

import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from ministack.core.responses import get_account_id
from ministack.services import apigateway, apigateway_v1, cognito

from localaws.authorization import Authorizer, Identity
from localaws.backend import Scope
from localaws.errors import AwsError
from localaws.hosting.invocation import InvocationRequest, InvocationResponse
from localaws.ministack import patches
from localaws.ministack.absent import refusal
from localaws.ministack.iam import enforcement
from localaws.ministack.iam.service_sessions import ServiceSessions

SERVICE = "apigateway.amazonaws.com"
THE_CALLER = re.compile(r"arn:aws:iam::(\*|\d{12}):user/\*")
"""The credentials of an integration that asks as who called the API."""
_ENDPOINT = re.compile(r"endpoints/([^/]+)/invocations")
_REQUEST_HEADER = "integration.request.header."
_RESPONSE_HEADER = "method.response.header."

Answer = tuple[int, dict[str, str], bytes]
Handler = Callable[..., Awaitable[Answer]]
Json = Mapping[str, Any]


class Invoker(Protocol):
    """What runs the endpoints."""

    async def invoke(
        self, scope: Scope, endpoint_name: str, request: InvocationRequest
    ) -> InvocationResponse: ...


class ApiGateway:
    """Answers the integrations of REST APIs with SageMaker's runtime."""

    def __init__(self, invoker: Invoker, authorizer: Authorizer, sessions: ServiceSessions) -> None:
        self._invoker = invoker
        self._authorizer = authorizer
        self._sessions = sessions

    def install(self) -> None:
        """Put the integration beside MiniStack's, and let it find the keys of user pools."""
        patches.replace(apigateway_v1, "_invoke_lambda_custom_v1", self._integrating)
        patches.replace(apigateway_v1, "_fetch_jwks", lambda _: _own_keys)
        patches.replace(apigateway, "handle_request", _rest_apis_only)

    def _integrating(self, invoke_function: Handler) -> Handler:
        """Of integrations that are no proxies: SageMaker's runtime here, functions as before."""

        async def invoke(integration: Json, *arguments: Any, **named: Any) -> Answer:
            uri = apigateway_v1._parse_service_integration_uri(integration.get("uri", ""))
            if uri is None or uri[1] != "runtime.sagemaker":
                return await invoke_function(integration, *arguments, **named)
            *_, headers, body, _query, path = arguments
            return await self._invoke_endpoint(integration, uri, headers, body, path)

        return invoke

    async def _invoke_endpoint(
        self,
        integration: Json,
        uri: tuple[str, str, str, str],
        headers: Mapping[str, str],
        body: bytes,
        path: Mapping[str, str],
    ) -> Answer:
        region, _, _, operation = uri
        passed_on = _mapped(integration.get("requestParameters") or {}, headers, path)
        try:
            answer = await self._answer(integration, region, operation, passed_on, body or b"")
        except AwsError as error:
            message = json.dumps({"message": error.message}).encode()
            return _returned(
                integration, error.status, {"content-type": "application/json"}, message
            )
        sent = {k.decode("latin-1"): v.decode("latin-1") for k, v in answer.headers()}
        return _returned(integration, 200, sent, answer.body)

    async def _answer(
        self,
        integration: Json,
        region: str,
        operation: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> InvocationResponse:
        endpoint = _ENDPOINT.fullmatch(operation)
        identity = self._asking(integration.get("credentials") or "")
        if endpoint is None or identity is None:
            raise AwsError("InternalServerError", "Internal server error", 500)
        scope = Scope(get_account_id(), region)
        arn = f"arn:aws:sagemaker:{region}:{scope.account_id}:endpoint/{endpoint[1].lower()}"
        invocation = InvocationRequest.from_http(headers, body)
        target = invocation.target_model
        context = {"sagemaker:TargetModel": target} if target else {}
        denial = self._authorizer.denial(
            identity, "sagemaker:InvokeEndpoint", arn, context, region, None
        )
        if denial is not None:
            raise AwsError("AccessDeniedException", denial, 403)
        return await self._invoker.invoke(scope, endpoint[1], invocation)

    def _asking(self, credentials: str) -> Identity | None:
        if THE_CALLER.fullmatch(credentials):
            caller = enforcement.current_caller()
            return None if caller is None else caller.identity
        return self._sessions.identity(credentials, f"BackplaneAssumeRoleSession{time.time():.0f}")


def _mapped(
    parameters: Mapping[str, str], headers: Mapping[str, str], path: Mapping[str, str]
) -> dict[str, str]:
    """The headers of the integration's request, by its mappings alone, names in lower case.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-parameter-mapping.html
    """
    given = {name.lower(): value for name, value in headers.items()}
    found = {}
    for to, source in parameters.items():
        if not to.startswith(_REQUEST_HEADER):
            continue
        kind, _, name = source.removeprefix("method.request.").partition(".")
        value = path.get(name) if kind == "path" else given.get(name.lower())
        if source.startswith("'"):
            value = source.strip("'")
        if value is not None:
            found[to.removeprefix(_REQUEST_HEADER).lower()] = value
    return found


def _returned(integration: Json, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    """What the API answers, by the integration response that fits the status."""
    selected = apigateway_v1._select_service_integration_response(integration, status)
    if selected is None:
        return 500, {"Content-Type": "application/json"}, b'{"message": "Internal server error"}'
    sent = {"Content-Type": "application/json"}
    for to, source in (selected.get("responseParameters") or {}).items():
        name = source.removeprefix("integration.response.header.").lower()
        if to.startswith(_RESPONSE_HEADER) and name in headers:
            sent[to.removeprefix(_RESPONSE_HEADER)] = headers[name]
    return int(selected["statusCode"]), sent, body


async def _own_keys(url: str) -> dict[str, Any]:
    """The keys of a user pool of this account, without a request."""
    _, _, document = cognito.well_known_jwks(url.rsplit("/", 3)[-3])
    keys: dict[str, Any] = json.loads(document)
    return keys


def _rest_apis_only(handle: Handler) -> Handler:
    """HTTP and WebSocket APIs are not kept here, so they are refused."""

    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query: Any
    ) -> Any:
        if path.startswith("/v2/"):
            message = f"localaws has REST APIs alone, and not the operation {method} {path}."
            return refusal("apigateway", headers, message)
        return await handle(method, path, headers, body, query)

    return handle_request

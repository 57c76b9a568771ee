"""The SageMaker Runtime over HTTP: the short way of an invocation.

Nothing here waits for a disk, a lock or another service: verify with a remembered signing key,
authorize with a remembered decision, run.
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
"""

import re
from functools import lru_cache
from typing import Protocol
from urllib.parse import unquote

from localaws.authorization import Authorizer, Caller
from localaws.backend import Scope
from localaws.errors import AwsError
from localaws.hosting.invocation import InvocationRequest, InvocationResponse
from localaws.http.wire import Response
from localaws.signature import SignedRequest

INVOKE_ENDPOINT = "InvokeEndpoint"
_PATH = re.compile(r"/endpoints/([^/]+)/([a-z-]+)")
_PLAIN_URL = re.compile(rb"/endpoints/[A-Za-z0-9-]+/[a-z-]+")
ACTIONS = {
    "invocations": INVOKE_ENDPOINT,
    "async-invocations": "InvokeEndpointAsync",
    "invocations-response-stream": "InvokeEndpointWithResponseStream",
    "invocations-bidirectional-stream": "InvokeEndpointWithBidirectionalStream",
}


class Invoker(Protocol):
    """What runs the endpoints."""

    async def invoke(
        self, scope: Scope, endpoint_name: str, request: InvocationRequest, arrived: float
    ) -> InvocationResponse: ...


class Invocations:
    """Answers ``POST /endpoints/{name}/invocations``."""

    def __init__(self, invoker: Invoker, authorizer: Authorizer) -> None:
        self._invoker = invoker
        self._authorizer = authorizer

    async def answer(self, request: SignedRequest, caller: Caller) -> Response:
        """Answer one call of an authenticated caller.

        Raises
        ------
        AwsError
        """
        endpoint_name, action = _endpoint_and_action(request.method, request.raw_path)
        scope = caller.scope
        arn = _endpoint_arn(scope, endpoint_name)
        if action != INVOKE_ENDPOINT:
            self._authorizer.authorize(caller, f"sagemaker:{action}", arn)
            raise AwsError(
                "ValidationError",
                f"{action} is not available: endpoint {endpoint_name} is a real-time endpoint that"
                f" answers {INVOKE_ENDPOINT}.",
            )
        invocation = InvocationRequest.from_http(request.headers, request.body)
        target_model = invocation.target_model
        context = {"sagemaker:TargetModel": target_model} if target_model else None
        self._authorizer.authorize(caller, f"sagemaker:{action}", arn, context)
        answer = await self._invoker.invoke(scope, endpoint_name, invocation, request.arrived)
        return Response(200, answer.headers(), answer.body)


@lru_cache(maxsize=1024)
def is_invocation(path: str) -> bool:
    """Whether a path belongs to the SageMaker Runtime."""
    return _PATH.fullmatch(path) is not None


@lru_cache(maxsize=1024)
def is_invocation_url(url: bytes) -> bool:
    """Whether a URL belongs to the SageMaker Runtime and is nothing but a path, without escapes."""
    return _PLAIN_URL.fullmatch(url) is not None


def endpoint_arn(scope: Scope, path: str) -> str:
    """The endpoint that a path of the SageMaker Runtime names."""
    match = _PATH.fullmatch(path)
    return _endpoint_arn(scope, unquote(match[1])) if match else ""


def _endpoint_arn(scope: Scope, name: str) -> str:
    return f"arn:aws:sagemaker:{scope.region}:{scope.account_id}:endpoint/{name.lower()}"


@lru_cache(maxsize=1024)
def _endpoint_and_action(method: str, path: str) -> tuple[str, str]:
    match = _PATH.fullmatch(path)
    action = ACTIONS.get(match[2]) if match else None
    if match is None or action is None or method != "POST":
        raise AwsError("UnknownOperationException", f"There is no {method} {path}", 404)
    return unquote(match[1]), action

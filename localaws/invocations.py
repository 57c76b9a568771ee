"""The SageMaker Runtime over HTTP: the short way of an invocation.

Nothing here waits for a disk, a lock or another service: verify with a remembered signing key,
authorize with a remembered decision, run.
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
"""

import re
from typing import Protocol
from urllib.parse import unquote

from localaws.authorization import Authorizer, Caller
from localaws.backend import Scope
from localaws.errors import AwsError
from localaws.hosting.invocation import InvocationRequest, InvocationResponse
from localaws.signature import SignedRequest
from localaws.wire import Response

_PATH = re.compile(r"/endpoints/([^/]+)/([a-z-]+)")
_ARN = "arn:aws:sagemaker:{}:{}:endpoint/{}"
_UNAVAILABLE = {
    "async-invocations": "InvokeEndpointAsync",
    "invocations-response-stream": "InvokeEndpointWithResponseStream",
    "invocations-bidirectional-stream": "InvokeEndpointWithBidirectionalStream",
}


class Invoker(Protocol):
    """What runs the endpoints."""

    async def invoke(
        self, scope: Scope, endpoint_name: str, request: InvocationRequest
    ) -> InvocationResponse: ...


class Invocations:
    """Answers ``POST /endpoints/{name}/invocations``."""

    def __init__(self, invoker: Invoker, authorizer: Authorizer) -> None:
        self._invoker = invoker
        self._authorizer = authorizer

    async def answer(self, request: SignedRequest) -> tuple[Response, Caller]:
        """Answer one call. Raises ``AwsError``."""
        endpoint_name = _endpoint_name(request)
        caller = self._authorizer.authenticate(request)
        invocation = InvocationRequest.from_http(request.headers, request.body)
        scope = caller.scope
        arn = (
            f"arn:aws:sagemaker:{scope.region}:{scope.account_id}:endpoint/{endpoint_name.lower()}"
        )
        target_model = invocation.target_model
        context = {"sagemaker:TargetModel": target_model} if target_model else None
        self._authorizer.authorize(caller, "sagemaker:InvokeEndpoint", arn, context)
        answer = await self._invoker.invoke(scope, endpoint_name, invocation)
        return Response(200, answer.headers(), answer.body), caller


def is_invocation(path: str) -> bool:
    """Whether a path belongs to the SageMaker Runtime."""
    return _PATH.fullmatch(path) is not None


def _endpoint_name(request: SignedRequest) -> str:
    match = _PATH.fullmatch(request.raw_path)
    if match is None:
        raise AwsError("UnknownOperationException", f"There is nothing at {request.raw_path}", 404)
    name, operation = unquote(match[1]), match[2]
    if operation in _UNAVAILABLE:
        raise AwsError(
            "ValidationError",
            f"{_UNAVAILABLE[operation]} is not available: endpoint {name} is a real-time endpoint"
            " that answers InvokeEndpoint.",
        )
    if operation != "invocations" or request.method != "POST":
        raise AwsError(
            "UnknownOperationException", f"There is no {request.method} {request.raw_path}", 404
        )
    return name

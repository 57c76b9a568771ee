"""JSON 1.1 operations of what is no part of MiniStack: authorize, call."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from iam_policy import ContextValue
from localaws.admission.reading import read_json
from localaws.authorization import Authorizer, Caller
from localaws.backend import Scope
from localaws.errors import AwsError
from localaws.http.wire import Headers, Response, json_response
from localaws.patience import patiently
from localaws.signature import SignedRequest


class Authorization(Protocol):
    """One permission that an operation needs."""

    @property
    def action(self) -> str: ...

    @property
    def resource_arn(self) -> str: ...

    @property
    def context(self) -> Mapping[str, ContextValue]: ...


class Api(Protocol):
    """A service of the control plane."""

    def authorizations(
        self, scope: Scope, operation: str, request: dict[str, Any]
    ) -> Sequence[Authorization]: ...

    def call(self, scope: Scope, operation: str, request: dict[str, Any]) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Operations:
    """The services that clients name in ``X-Amz-Target``, by what precedes the operation."""

    apis: Mapping[str, Api]
    authorizer: Authorizer

    def serve(self, headers: Headers) -> bool:
        """Whether a request with these headers is for one of the services."""
        target = next((value for name, value in headers if name == b"x-amz-target"), b"")
        return self._api(target.decode("latin-1")) is not None

    async def answer(self, request: SignedRequest, caller: Caller) -> Response:
        """Answer one call of an authenticated caller.

        Raises
        ------
        AwsError
        """
        api, operation = self._find(request)
        content = read_json(request.body)
        for needed in api.authorizations(caller.scope, operation, content):
            self.authorizer.authorize(caller, needed.action, needed.resource_arn, needed.context)
        result = await patiently(
            lambda: asyncio.to_thread(api.call, caller.scope, operation, content), _is_under_way
        )
        return json_response(result)

    def _api(self, target: str) -> Api | None:
        return self.apis.get(target.rpartition(".")[0])

    def _find(self, request: SignedRequest) -> tuple[Api, str]:
        target = request.headers.get("x-amz-target", "")
        api = self._api(target)
        if api is None:
            raise AwsError("UnknownOperationException", f"There is no operation {target!r}")
        return api, target.rpartition(".")[2]


def _is_under_way(result: Mapping[str, Any]) -> bool:
    """Whether this describes an endpoint that is being made, changed or deleted."""
    return result.get("EndpointStatus") in ("Creating", "Updating", "RollingBack", "Deleting")

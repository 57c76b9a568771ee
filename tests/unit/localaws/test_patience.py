"""Who asks for something that is changing is answered when it has changed, or after a moment."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest

from localaws import patience
from localaws.http.operations import Operations
from localaws.patience import patiently
from localaws.signature import SignedRequest


class Endpoints:
    """Tells one status after the other; the last one for ever."""

    def __init__(self, *statuses: str) -> None:
        self._statuses = list(statuses)

    def authorizations(self, *_: Any) -> list[Any]:
        return []

    def call(self, *_: Any) -> dict[str, Any]:
        left = self._statuses
        return {"EndpointStatus": left.pop(0) if len(left) > 1 else left[0]}


def described(endpoints: Endpoints) -> str:
    caller: Any = SimpleNamespace(scope=None)
    authorizer: Any = None
    headers = {"x-amz-target": "SageMaker.DescribeEndpoint"}
    request = SignedRequest("POST", "/", "", headers, b"{}")
    answer = asyncio.run(Operations({"SageMaker": endpoints}, authorizer).answer(request, caller))
    return str(json.loads(answer.body)["EndpointStatus"])


@pytest.mark.parametrize("status", ["Creating", "Updating", "RollingBack"])
def test_an_endpoint_that_changes_is_told_once_it_has_changed(status: str) -> None:
    assert described(Endpoints(status, status, "InService")) == "InService"


def test_one_that_takes_longer_is_told_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "WAIT_SECONDS", 0.1)
    assert described(Endpoints("Creating")) == "Creating"


def test_what_has_ended_is_told_at_once() -> None:
    assert described(Endpoints("Failed", "InService")) == "Failed"


def test_what_is_gone_meanwhile_is_told() -> None:
    async def ask() -> str:
        raise LookupError

    with pytest.raises(LookupError):
        asyncio.run(patiently(ask, lambda _: True))

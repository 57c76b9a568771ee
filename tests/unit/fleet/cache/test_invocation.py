"""One invocation against a runtime whose answers botocore's stubber gives."""

from io import BytesIO
from threading import Event
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from fleet.cache import invocation
from fleet.cache.invocation import Invoker, Payload, Request

if TYPE_CHECKING:
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

REQUEST = Request(1, 1, "a.tar.gz")


@pytest.fixture
def runtime() -> "SageMakerRuntimeClient":
    return boto3.client(
        "sagemaker-runtime",
        region_name="us-east-1",
        aws_access_key_id="id",
        aws_secret_access_key="secret",
    )


@pytest.fixture
def stubber(runtime: "SageMakerRuntimeClient") -> Stubber:
    stubber = Stubber(runtime)
    stubber.activate()
    return stubber


@pytest.fixture
def invoker(runtime: "SageMakerRuntimeClient", monkeypatch: pytest.MonkeyPatch) -> Invoker:
    monkeypatch.setattr(invocation, "random", lambda: -0.5)  # pauses of no length
    return Invoker(runtime, "housing-dev", Payload(b"1,2", "text/csv"))


def answers(stubber: Stubber) -> None:
    expected = {
        "EndpointName": "housing-dev",
        "TargetModel": "a.tar.gz",
        "ContentType": "text/csv",
        "Body": b"1,2",
    }
    stubber.add_response("invoke_endpoint", {"Body": StreamingBody(BytesIO(b"{}"), 2)}, expected)


def fails(stubber: Stubber, code: str) -> None:
    stubber.add_client_error("invoke_endpoint", service_error_code=code, http_status_code=429)


def test_an_answer_is_a_row_without_error(stubber: Stubber, invoker: Invoker) -> None:
    answers(stubber)
    row = invoker.invoke(REQUEST, Event())
    assert (row.request, row.succeeded, row.retries) == (REQUEST, True, 0)
    assert row.latency > 0


@pytest.mark.parametrize("code", ["ModelNotReadyException", "ThrottlingException"])
def test_a_model_that_is_not_ready_and_throttling_are_retried(
    stubber: Stubber, invoker: Invoker, code: str
) -> None:
    fails(stubber, code)
    fails(stubber, code)
    answers(stubber)
    row = invoker.invoke(REQUEST, Event())
    assert (row.error, row.retries) == (None, 2)


@pytest.mark.parametrize("code", ["ModelError", "ValidationError", "AccessDeniedException"])
def test_other_errors_are_results(stubber: Stubber, invoker: Invoker, code: str) -> None:
    fails(stubber, code)
    row = invoker.invoke(REQUEST, Event())
    assert (row.error, row.retries) == (code, 0)


def test_retries_end_when_the_experiment_is_stopped(stubber: Stubber, invoker: Invoker) -> None:
    fails(stubber, "ModelNotReadyException")
    stop = Event()
    stop.set()
    row = invoker.invoke(REQUEST, stop)
    assert row.error == "ModelNotReadyException"


def test_retries_end_with_the_platforms_own_patience(
    stubber: Stubber, invoker: Invoker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invocation, "PATIENCE_SECONDS", 0.0)
    fails(stubber, "ModelNotReadyException")
    assert invoker.invoke(REQUEST, Event()).error == "ModelNotReadyException"

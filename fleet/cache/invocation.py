"""One invocation of a target model: what came of it and how long it took."""

import time
from dataclasses import dataclass
from random import random
from threading import Event
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

RETRIED_ERRORS = frozenset(
    {"ModelNotReadyException", "ThrottlingException", "Throttling", "TooManyRequestsException"}
)
"""Errors that ask the caller to come again; every other one is a result of the experiment.

A model that takes longer than 60 seconds to load answers ModelNotReadyException and goes on loading
for up to 360 seconds (SageMaker Developer Guide, "Invoke a Multi-Model Endpoint").
"""
PATIENCE_SECONDS = 360.0
_LONGEST_PAUSE_SECONDS = 5.0


@dataclass(frozen=True)
class Request:
    """One target model to invoke; ``number`` counts from 1 through all passes."""

    number: int
    pass_number: int
    target_model: str


@dataclass(frozen=True)
class Invocation:
    """One request that was sent: a row of an experiment's results.

    ``started`` in seconds since the epoch; ``latency`` in seconds at the client, retries and their
    pauses included; ``error`` is the code of the error that ended it. ``cold`` says whether the
    model had to be loaded, None where nothing tells.
    """

    request: Request
    started: float
    latency: float
    retries: int = 0
    error: str | None = None
    cold: bool | None = None

    @property
    def succeeded(self) -> bool:
        return self.error is None

    @property
    def finished(self) -> float:
        """Seconds since the epoch."""
        return self.started + self.latency


@dataclass(frozen=True)
class Payload:
    """The body that every invocation sends."""

    body: bytes
    content_type: str


class Invoker:
    """Invokes target models of one endpoint.

    The client must not retry by itself: retries are counted here. It may be shared by threads
    (boto3 clients are thread-safe).
    """

    def __init__(
        self, runtime: "SageMakerRuntimeClient", endpoint_name: str, payload: Payload
    ) -> None:
        self._runtime = runtime
        self._endpoint_name = endpoint_name
        self._payload = payload

    def invoke(self, request: Request, stop: Event) -> Invocation:
        """Invoke, and again while the endpoint asks for it and ``stop`` is not set."""
        started, clock = time.time(), time.perf_counter()
        retries = 0
        while (error := self._attempt(request.target_model)) in RETRIED_ERRORS:
            pause = min(_LONGEST_PAUSE_SECONDS, 0.1 * 2.0**retries) * (0.5 + random())
            if time.perf_counter() - clock + pause > PATIENCE_SECONDS or stop.wait(pause):
                break
            retries += 1
        latency = time.perf_counter() - clock
        return Invocation(request, started, latency, retries, error)

    def _attempt(self, target_model: str) -> str | None:
        """The error code of one request, or None."""
        try:
            response = self._runtime.invoke_endpoint(
                EndpointName=self._endpoint_name,
                TargetModel=target_model,
                ContentType=self._payload.content_type,
                Body=self._payload.body,
            )
            response["Body"].read()
        except ClientError as error:
            return error.response["Error"]["Code"]
        except BotoCoreError as error:
            return type(error).__name__
        return None

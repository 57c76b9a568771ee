"""Asks a stage's endpoint for predictions, as an application does.

    client = Client.open(boto3.Session(), "housing-prod", "housing-prod-storage-Registry...")
    client.predict("Chicago_IL", ["2000,2400,3,2.0,1.0,2,n,y"])

It asks the registry which version serves a city, and again after some seconds, so that a new
version and a roll-back reach it without a restart. A session of a tenant may ask for its own city.
"""

import json
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from fleet.errors import HousingError
from fleet.invocation_log import Invocation, to_stdout
from fleet.names import check_entity
from fleet.registry_reader import RegistryReader

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

REQUEST_BYTES = 400_000
"""Of CSV; the features between the containers are some ten times as long, and 5 MB are taken."""
ROWS_PER_REQUEST = 1000
REMEMBERED_SECONDS = 30.0
MOST_REMEMBERED = 10_000
# A cold model answers within 60 seconds or not at all, see
# https://docs.aws.amazon.com/sagemaker/latest/dg/invoke-multi-model-endpoint.html
READ_TIMEOUT_SECONDS = 70
ATTEMPTS = 5


class NoModelError(HousingError):
    """No model of the city serves; one line."""


@dataclass(frozen=True)
class Answer:
    """What a model says: a prediction a row, and the seconds that each request took."""

    target_model: str
    predictions: Sequence[Mapping[str, Any]]
    seconds: tuple[float, ...]


class ServingModels:
    """Which target model serves each city, remembered for a while.

    Where the registry cannot be reached, what was known last goes on.
    """

    def __init__(
        self,
        registry: RegistryReader,
        remembered_seconds: float = REMEMBERED_SECONDS,
        most: int = MOST_REMEMBERED,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry = registry
        self._remembered_seconds = remembered_seconds
        self._most = most
        self._now = now
        self._known: OrderedDict[str, tuple[float, str]] = OrderedDict()
        self._lock = Lock()

    def target_model(self, city: str) -> str:
        """The target model that serves.

        Raises
        ------
        NoModelError
        BotoCoreError
            AWS does not answer, and nothing is known of the city.
        """
        with self._lock:
            until, known = self._known.get(check_entity(city), (0.0, ""))
        if known and self._now() < until:
            return known
        try:
            item = self._registry.city(city)
        except BotoCoreError:
            if not known:
                raise
            return known
        target = None if item is None else item.target_model
        if target is None:
            self.forget(city)
            if item is not None and item.forgotten:
                raise NoModelError(f"{city} was forgotten on {item.forgotten[:10]}")
            raise NoModelError(f"no model of {city} serves")
        with self._lock:
            self._known[city] = (self._now() + self._remembered_seconds, target)
            self._known.move_to_end(city)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return target

    def forget(self, city: str) -> None:
        """Ask the registry the next time."""
        with self._lock:
            self._known.pop(city, None)


class Client:
    """Invokes the models of one endpoint; may be used by several threads.

    Parameters
    ----------
    serving
        Which model serves a city; None where callers name target models themselves.
    write
        Is given a line of each request, see ``fleet.invocation_log``.
    """

    def __init__(
        self,
        runtime: "SageMakerRuntimeClient",
        endpoint_name: str,
        serving: ServingModels | None = None,
        write: Callable[[str], object] = lambda line: None,
    ) -> None:
        self._runtime = runtime
        self._endpoint_name = endpoint_name
        self._serving = serving
        self._write = write

    @classmethod
    def open(
        cls,
        session: "boto3.Session",
        endpoint_name: str,
        registry_table_name: str,
        write: Callable[[str], object] = to_stdout,
    ) -> Self:
        """A client with all that it needs; the names are outputs of hosting and storage."""
        serving = ServingModels(RegistryReader(session.client("dynamodb"), registry_table_name))
        return cls(runtime_client(session), endpoint_name, serving, write)

    def predict(self, city: str, rows: Sequence[str]) -> Answer:
        """What the city's serving model makes of rows, a line of CSV without its label each.

        Where that version was withdrawn a moment ago, the one that serves now is asked.

        Raises
        ------
        NoModelError
        ClientError
            The endpoint refuses the request.
        ValueError
            The client was made without a registry.
        """
        if self._serving is None:
            raise ValueError("this client knows no registry: name the target model with invoke")
        target = self._serving.target_model(city)
        try:
            return self.invoke(city, target, rows)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            self._serving.forget(city)
            if (newer := self._serving.target_model(city)) == target:
                raise
            return self.invoke(city, newer, rows)

    def invoke(self, city: str, target_model: str, rows: Sequence[str]) -> Answer:
        """What one target model makes of rows."""
        predictions: list[Mapping[str, Any]] = []
        seconds: list[float] = []
        for part in _batches(rows):
            answer, took = self._request(city, target_model, part)
            predictions += answer
            seconds.append(took)
        return Answer(target_model, predictions, tuple(seconds))

    def _request(
        self, city: str, target_model: str, rows: Sequence[str]
    ) -> tuple[list[Mapping[str, Any]], float]:
        started = time.perf_counter()
        error = ""
        try:
            answer = self._runtime.invoke_endpoint(
                EndpointName=self._endpoint_name,
                TargetModel=target_model,
                ContentType="text/csv",
                Accept="application/json",
                Body="".join(f"{row}\n" for row in rows).encode(),
            )
            predictions: list[Mapping[str, Any]] = json.loads(answer["Body"].read())["predictions"]
        except ClientError as refused:
            error = refused.response["Error"]["Code"]
            raise
        except BotoCoreError as failed:
            error = type(failed).__name__
            raise
        finally:
            took = time.perf_counter() - started
            noted = Invocation(self._endpoint_name, city, target_model, len(rows), took, error)
            self._write(noted.line(time.time()))
        return predictions, took


def runtime_client(session: "boto3.Session") -> "SageMakerRuntimeClient":
    """A client that waits for a cold model and tries again while one is being loaded."""
    # ModelNotReadyException (429) is retried by this mode alone.
    config = Config(
        read_timeout=READ_TIMEOUT_SECONDS, retries={"mode": "legacy", "max_attempts": ATTEMPTS}
    )
    return session.client("sagemaker-runtime", config=config)


def _batches(rows: Sequence[str]) -> Iterator[list[str]]:
    """The rows in as few requests as may be."""
    batch: list[str] = []
    size = 0
    for row in rows:
        if batch and (len(batch) == ROWS_PER_REQUEST or size + len(row) + 1 > REQUEST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += len(row) + 1
    if batch:
        yield batch

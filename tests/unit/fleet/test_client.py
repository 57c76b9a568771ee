"""The client library: which version it asks, how it batches, what it notes."""

import io
import json
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from fleet.client import REQUEST_BYTES, ROWS_PER_REQUEST, Client, NoModelError, ServingModels
from fleet.registry import Registry
from fleet.versions import City


@dataclass
class Table:
    """A registry that counts how often it is asked; what it raises is in ``error``."""

    serving: dict[str, City] = field(default_factory=dict)
    asked: int = 0
    error: Exception | None = None

    def city(self, name: str) -> City | None:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return self.serving.get(name)


@dataclass
class Runtime:
    """An endpoint that scores each row with its length, and has some target models."""

    models: set[str]
    requests: list[str] = field(default_factory=list)

    def invoke_endpoint(self, **request: Any) -> dict[str, Any]:
        if request["TargetModel"] not in self.models:
            raise ClientError({"Error": {"Code": "ValidationError"}}, "InvokeEndpoint")
        self.requests.append(request["Body"].decode())
        scores = [{"score": float(len(row))} for row in self.requests[-1].splitlines()]
        return {"Body": io.BytesIO(json.dumps({"predictions": scores}).encode())}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def serving_models(table: Table, clock: Clock, **options: Any) -> ServingModels:
    return ServingModels(cast(Registry, table), now=clock, **options)


def client(runtime: Runtime, table: Table, **options: Any) -> Client:
    return Client(cast(Any, runtime), "houses", serving_models(table, Clock()), **options)


def test_the_registry_is_asked_once_until_the_time_is_over() -> None:
    table, clock = Table({"Rome": City("Rome", 1, serving=1)}), Clock()
    serving = serving_models(table, clock, remembered_seconds=30)
    assert [serving.target_model("Rome") for _ in range(3)] == ["Rome/Rome.tar.gz"] * 3
    assert table.asked == 1
    table.serving["Rome"] = City("Rome", 2, serving=2)
    clock.now = 31
    assert serving.target_model("Rome") == "Rome/Rome-v2.tar.gz"


def test_it_remembers_no_more_cities_than_it_may() -> None:
    table = Table({name: City(name, 1, serving=1) for name in ("A", "B", "C")})
    serving = serving_models(table, Clock(), most=2)
    for name in ("A", "B", "C", "C", "B", "A"):
        serving.target_model(name)
    assert table.asked == 4  # A was given up for C


def test_what_was_known_last_goes_on_where_the_registry_cannot_be_reached() -> None:
    table, clock = Table({"Rome": City("Rome", 1, serving=1)}), Clock()
    serving = serving_models(table, clock)
    serving.target_model("Rome")
    table.error = EndpointConnectionError(endpoint_url="https://dynamodb")
    clock.now = 1000
    assert serving.target_model("Rome") == "Rome/Rome.tar.gz"
    with pytest.raises(EndpointConnectionError):
        serving.target_model("Oslo")


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (None, "no model of Rome serves"),
        (City("Rome", 3), "no model of Rome serves"),
        (City("Rome", 3, forgotten="2026-11-27T10:00:00"), "Rome was forgotten on 2026-11-27"),
    ],
)
def test_a_city_without_a_model_is_one_line(item: City | None, message: str) -> None:
    table = Table({} if item is None else {"Rome": item})
    with pytest.raises(NoModelError, match=f"^{message}$"):
        serving_models(table, Clock()).target_model("Rome")


def test_a_version_that_was_withdrawn_a_moment_ago_is_given_up_for_the_one_that_serves() -> None:
    table = Table({"Rome": City("Rome", 2, serving=2)})
    runtime = Runtime({"Rome/Rome-v2.tar.gz"})
    asking = client(runtime, table)
    asking.predict("Rome", ["1"])
    table.serving["Rome"] = City("Rome", 2, serving=1)
    runtime.models = {"Rome/Rome.tar.gz"}
    assert asking.predict("Rome", ["1"]).target_model == "Rome/Rome.tar.gz"


def test_rows_come_back_in_order_from_as_few_requests_as_may_be() -> None:
    runtime = Runtime({"Rome/Rome.tar.gz"})
    rows = ["x" * (number % 7 + 1) for number in range(2 * ROWS_PER_REQUEST + 1)]
    answer = client(runtime, Table()).invoke("Rome", "Rome/Rome.tar.gz", rows)
    assert [each["score"] for each in answer.predictions] == [len(row) for row in rows]
    assert len(runtime.requests) == len(answer.seconds) == 3


def test_no_request_is_longer_than_the_service_takes() -> None:
    runtime = Runtime({"Rome/Rome.tar.gz"})
    client(runtime, Table()).invoke("Rome", "Rome/Rome.tar.gz", ["x" * 150_000] * 5)
    assert max(map(len, runtime.requests)) <= REQUEST_BYTES


def test_each_request_is_noted_and_the_city_is_no_dimension() -> None:
    lines: list[str] = []
    asking = client(Runtime({"Rome/Rome.tar.gz"}), Table(), write=lines.append)
    asking.invoke("Rome", "Rome/Rome.tar.gz", ["1", "2"])
    with pytest.raises(ClientError):
        asking.invoke("Oslo", "Oslo/Oslo.tar.gz", ["1"])
    good, bad = map(json.loads, lines)
    assert (good["City"], good["Rows"], good["Errors"]) == ("Rome", 2, 0)
    assert (bad["City"], bad["Errors"], bad["Error"]) == ("Oslo", 1, "ValidationError")
    (directive,) = good["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [["Endpoint"]]
    assert {metric["Name"] for metric in directive["Metrics"]} <= set(good)

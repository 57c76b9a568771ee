"""What clients note, and what is read of it by city, on CloudWatch Logs."""

import time
from collections.abc import Iterator
from uuid import uuid4

import pytest

from fleet.invocation_log import Invocation, LogGroup
from fleet.usage import ClientLogs, UsageError
from localaws.testing import LocalAws


@pytest.fixture(scope="module")
def group(localaws: LocalAws) -> Iterator[str]:
    """Chicago was asked six times, once in vain; Oslo twice, once slowly."""
    logs = localaws.session().client("logs")
    name = f"/usage/{uuid4().hex[:8]}"
    logs.create_log_group(logGroupName=name)
    write = LogGroup(logs, name)

    def note(city: str, milliseconds: float, error: str = "") -> None:
        target = f"{city}/{city}.tar.gz"
        write(Invocation("e", city, target, 3, milliseconds / 1000, error).line(time.time()))

    for milliseconds in (4, 5, 6, 7, 8):
        note("Chicago_IL", milliseconds)
    note("Chicago_IL", 30, "ModelError")
    note("Oslo", 10)
    note("Oslo", 130)
    assert write.flush()
    yield name
    logs.delete_log_group(logGroupName=name)


@pytest.fixture
def noted(localaws: LocalAws, group: str) -> ClientLogs:
    now = time.time()
    return ClientLogs(localaws.session().client("logs"), group, now - 3600, now + 60)


def test_usage_is_counted_by_city_and_the_busiest_come_first(noted: ClientLogs) -> None:
    chicago, oslo = noted.usage()
    assert (chicago.city, chicago.requests, chicago.errors, chicago.rows) == (
        "Chicago_IL",
        6,
        1,
        18,
    )
    assert (oslo.requests, oslo.errors, oslo.cold) == (2, 0, None)
    assert (oslo.mean_ms, oslo.p95_ms, oslo.share) == pytest.approx((70.0, 124.0, 0.7))
    assert noted.busiest(1) == ["Chicago_IL"]


def test_the_slowest_requests_are_taken_for_the_cold_ones(noted: ClientLogs) -> None:
    assert {each.city: each.cold for each in noted.usage(cold_share=1 / 7)} == {
        "Chicago_IL": 0,
        "Oslo": 1,
    }
    assert sum(each.cold or 0 for each in noted.usage(cold_share=0.0)) == 0


def test_a_log_group_that_is_not_there_is_named(noted: ClientLogs) -> None:
    missing = ClientLogs(noted.client, "/no/such", noted.start, noted.end)
    with pytest.raises(UsageError, match="there is no log group /no/such"):
        missing.usage()

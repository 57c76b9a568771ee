import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.hosting.metrics import MetricsPublisher, Unit
from localaws.testing.memory import SCOPE, MemoryBackend

DIMENSIONS = {"EndpointName": "housing"}


class Publisher:
    def __init__(self) -> None:
        self.backend = MemoryBackend()
        self.publisher = MetricsPublisher(self.backend, now=lambda: 1000.0)

    def record(self, *values: float, name: str = "ModelLatency", unit: Unit = "None") -> None:
        metric = self.publisher.metric(SCOPE, "AWS/SageMaker", name, unit, DIMENSIONS)
        for value in values:
            metric.record(value)

    def flushed(self, name: str = "ModelLatency") -> list[float]:
        self.publisher.flush()
        return self.backend.values("AWS/SageMaker", name, DIMENSIONS)


def test_values_are_sent_with_name_unit_dimensions_and_time() -> None:
    publisher = Publisher()
    publisher.record(5.0, unit="Microseconds")
    publisher.flushed()
    ((namespace, sent),) = publisher.backend.metrics
    assert (namespace, sent.name, sent.unit, sent.dimensions, sent.timestamp) == (
        "AWS/SageMaker",
        "ModelLatency",
        "Microseconds",
        DIMENSIONS,
        1000.0,
    )


def test_equal_values_are_sent_once_with_their_count() -> None:
    publisher = Publisher()
    publisher.record(1.0, 0.0, 1.0)
    publisher.flushed()
    ((_, sent),) = publisher.backend.metrics
    assert dict(zip(sent.values, sent.counts, strict=True)) == {1.0: 2.0, 0.0: 1.0}


def test_nothing_recorded_sends_nothing() -> None:
    publisher = Publisher()
    publisher.record()
    publisher.flushed()
    assert publisher.backend.metrics == []


def test_a_value_is_sent_once() -> None:
    publisher = Publisher()
    publisher.record(1.0)
    publisher.flushed()
    assert publisher.flushed() == [1.0]


@given(st.lists(st.floats(1, 1e9), min_size=1, max_size=500))
def test_rounding_keeps_the_sum_to_half_a_percent(values: list[float]) -> None:
    publisher = Publisher()
    publisher.record(*values)
    assert sum(publisher.flushed()) == pytest.approx(sum(values), rel=0.005)


def test_thousands_of_latencies_become_hundreds_of_values() -> None:
    publisher = Publisher()
    publisher.record(*(100 + number * 0.01 for number in range(10_000)))
    publisher.flushed()
    ((_, sent),) = publisher.backend.metrics
    assert (len(sent.values), sum(sent.counts)) == (101, 10_000)


def test_no_value_is_lost_between_threads() -> None:
    publisher = Publisher()
    threads = [threading.Thread(target=lambda: publisher.record(*[1.0] * 1000)) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        publisher.publisher.flush()
    for thread in threads:
        thread.join()
    assert len(publisher.flushed()) == 4000

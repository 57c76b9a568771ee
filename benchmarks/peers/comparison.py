"""Measures all servers on one machine in one run: rounds in turn, medians, spreads, ratios."""

import statistics
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.http_load import Load, measure, post
from benchmarks.peers.housing import deployed
from benchmarks.peers.servers import PEERS, ROW, Peer, UnavailableError, running

OURS = "housing on localaws"
MODELS = 100
ROUNDS = 5
SECONDS = 2.0
CONNECTIONS = 8


@dataclass(frozen=True)
class Server:
    """What is measured: requests of warm models, and how long each model's first answer took."""

    name: str
    port: int
    requests: tuple[bytes, ...]
    cold_seconds: tuple[float, ...] = ()


@dataclass
class Measured:
    """What the rounds of one server came to; latencies in milliseconds."""

    name: str
    models: int
    cold: tuple[float, ...]
    requests_per_second: list[float] = field(default_factory=list)
    warm_p50: list[float] = field(default_factory=list)
    warm_p99: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Row:
    """The summary of one server; spreads are minimum and maximum of the rounds' medians."""

    name: str
    models: int
    requests_per_second: float
    requests_spread: tuple[float, float]
    warm_p50: float
    warm_spread: tuple[float, float]
    warm_p99: float
    cold_p50: float | None
    cold_p99: float | None

    def as_json(self) -> dict[str, Any]:
        """The row as it is written down."""
        return asdict(self)


@dataclass(frozen=True)
class Comparison:
    """All rows, ours first; ``skipped`` are peers that could not be had, with the reason."""

    rows: tuple[Row, ...]
    skipped: tuple[str, ...]


def compare(peers: Sequence[Peer] = PEERS, rounds: int = ROUNDS) -> Comparison:
    """Start everything, load every model, then measure in turn."""
    skipped = []
    with ExitStack() as stack:
        housing = stack.enter_context(deployed(MODELS))
        ours = measure(housing.port, housing.models, connections=1, seconds=0).seconds[1:]
        servers = [
            Server(OURS, housing.port, housing.models, ours),
            Server("a constant of localaws", housing.port, (housing.constant,)),
        ]
        for peer in peers:
            try:
                port = stack.enter_context(running(peer))
            except UnavailableError as error:
                skipped.append(str(error))
            else:
                servers += _loaded(peer, port)
        measured = _in_turn(servers, rounds)
    return Comparison(tuple(_row(one) for one in measured), tuple(skipped))


def _loaded(peer: Peer, port: int) -> Iterator[Server]:
    """A peer with all its models in memory, and its bare answer where it has one."""
    requests = tuple(peer.invoke(port, number) for number in range(peer.models))
    first = []
    for number, request in enumerate(requests):
        load = peer.load(port, number)
        both = [load, request] if load is not None else [request]
        first.append(sum(measure(port, both, connections=1, seconds=0).seconds))
    # The first of all also imports what the others use.
    yield Server(peer.name, port, requests, tuple(first[1:]))
    if peer.constant is not None:
        constant = post(port, peer.constant, {}, ROW)
        yield Server(f"a constant of {peer.name}", port, (constant,))


def _in_turn(servers: Sequence[Server], rounds: int) -> list[Measured]:
    measured = [Measured(s.name, len(s.requests), s.cold_seconds) for s in servers]
    for _ in range(rounds):
        for server, one in zip(servers, measured, strict=True):
            load = _load(server, CONNECTIONS)
            single = _load(server, 1)
            one.requests_per_second.append(load.requests_per_second)
            one.warm_p50.append(single.p50_milliseconds)
            one.warm_p99.append(single.percentile_milliseconds(99))
    return measured


def _load(server: Server, connections: int) -> Load:
    return measure(server.port, server.requests, connections=connections, seconds=SECONDS)


def _row(one: Measured) -> Row:
    cold = sorted(1000 * seconds for seconds in one.cold)
    return Row(
        one.name,
        one.models,
        statistics.median(one.requests_per_second),
        _spread(one.requests_per_second),
        statistics.median(one.warm_p50),
        _spread(one.warm_p50),
        statistics.median(one.warm_p99),
        statistics.median(cold) if cold else None,
        cold[int(0.99 * (len(cold) - 1))] if cold else None,
    )


def _spread(values: list[float]) -> tuple[float, float]:
    return min(values), max(values)

"""localaws: how fast it starts, deploys and answers.

The pipeline has two echo containers, the second one with many models, so that what is measured is
the platform: signature, authorization, routing, cache, metrics. Beside it stands the same server
answering a constant without any of that.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.credentials import Credentials

from benchmarks.echo_app import STACK
from benchmarks.figure import Figure
from benchmarks.http_load import Load, invocation, measure, post
from localaws import lifecycle
from localaws.server import HEALTH_PATH
from localaws.testing import LocalAws, start_localaws
from localaws.testing.stacks import echo_endpoint, put_artifacts

ENDPOINT = "benchmark"
BUCKET = "benchmark"
MODELS = 100
CONNECTIONS = 8
SECONDS = 3.0
ROUNDS = 5
ROW = b"1988,3040.78,2,2.5,1.46,1,y,n"


def run() -> list[Figure]:
    """All figures, from one server in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder, _server(Path(folder) / "state") as (aws, starts):
        put_artifacts(aws.session(), BUCKET, MODELS)
        return [
            *starts,
            Figure("localaws idle memory", _resident_mebibytes(aws), "MiB", "aim: 250"),
            *_deployment(aws, Path(folder)),
        ]


@contextmanager
def _server(directory: Path) -> Iterator[tuple[LocalAws, list[Figure]]]:
    """A running server, and how long it took to start empty and again."""
    first, _ = _timed(lambda: start_localaws(directory))
    lifecycle.stop(directory)
    again, aws = _timed(lambda: start_localaws(directory))
    try:
        yield (
            aws,
            [
                Figure("localaws start, new folder", first, "s", "aim: 2"),
                Figure("localaws start, known folder", again, "s", "aim: 2"),
            ],
        )
    finally:
        lifecycle.stop(directory)


def _deployment(aws: LocalAws, folder: Path) -> list[Figure]:
    """Times of the CDK CLI, and the load on the endpoint between deploy and destroy."""
    colours = {colour: _assembly(aws, folder, colour) for colour in ("green", "blue")}
    target = aws.target

    def cdk(*arguments: str) -> float:
        return _timed(lambda: aws.cdk(*arguments, cwd=folder))[0]

    def deploy(colour: str) -> float:
        app = str(colours[colour])
        return cdk("deploy", STACK, "--app", app, "--require-approval", "never")

    times = {
        "bootstrap": cdk("bootstrap", target),
        "deploy": deploy("green"),
        "no-op": deploy("green"),
    }
    load = _invocations(aws)
    times["update"] = deploy("blue")
    times["destroy"] = cdk("destroy", STACK, "--app", str(colours["blue"]), "--force")
    return [*(Figure(f"cdk {name} on localaws", took, "s") for name, took in times.items()), *load]


def _assembly(aws: LocalAws, folder: Path, colour: str) -> Path:
    """The synthesized app; the colour is in the first container's environment."""
    template = folder / f"{colour}.json"
    template.write_text(json.dumps({"Resources": echo_endpoint(BUCKET, ENDPOINT, COLOUR=colour)}))
    out = folder / f"{colour}.out"
    app = "python -m benchmarks.echo_app"
    aws.cdk("synth", "-q", "--app", app, "-c", f"template={template}", "-o", str(out))
    return out


def _invocations(aws: LocalAws) -> list[Figure]:
    port = urlsplit(aws.endpoint_url).port or 0
    keys = aws.state.credentials
    credentials = Credentials(keys.access_key_id, keys.secret_access_key)
    signed = [
        invocation(port, credentials, ENDPOINT, f"{number}.tar.gz", ROW) for number in range(MODELS)
    ]
    constant = [post(port, HEALTH_PATH, {}, ROW)]
    cold = measure(port, signed, connections=1, seconds=0)
    rounds = [(_load(port, signed), _load(port, constant)) for _ in range(ROUNDS)]
    pipeline = statistics.median(load.requests_per_second for load, _ in rounds)
    beside = statistics.median(load.requests_per_second for _, load in rounds)
    warm = measure(port, signed, connections=1, seconds=SECONDS)
    trivial = measure(port, constant, connections=1, seconds=SECONDS)
    return [
        Figure(
            f"signed, authorized pipeline at {CONNECTIONS} connections",
            pipeline,
            "requests/s",
            f"a constant of the same server: {beside:.0f}; aim: a quarter of it",
        ),
        Figure(
            "share of the constant's throughput",
            statistics.median(
                one.requests_per_second / other.requests_per_second for one, other in rounds
            ),
            "",
            "aim: 0.25",
        ),
        Figure(
            "warm invocation, p50",
            warm.p50_milliseconds,
            "ms",
            f"a constant of the same server: {trivial.p50_milliseconds:.3f}",
        ),
        Figure("cold invocation, p50", cold.p50_milliseconds, "ms", "aim: 5"),
    ]


def _load(port: int, requests: list[bytes]) -> Load:
    return measure(port, requests, connections=CONNECTIONS, seconds=SECONDS)


def _resident_mebibytes(aws: LocalAws) -> float:
    running = lifecycle.find_running(aws.state.directory)
    assert running is not None
    # The second field of statm counts resident pages: https://man7.org/linux/man-pages/man5/proc.5.html
    pages = int(Path(f"/proc/{running.process_id}/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def _timed(action: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    result = action()
    return time.perf_counter() - began, result


if __name__ == "__main__":
    for figure in run():
        print(f"{figure.name:55} {figure.value:10.3f} {figure.unit:10} {figure.beside or ''}")

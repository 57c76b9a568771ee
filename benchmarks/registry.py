"""``housing models list`` over a registry of many cities on localaws, as a person runs it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator

from benchmarks.figure import Figure
from benchmarks.registry_table import deployed_table
from fleet.names import stack_name
from fleet.registry import Draft, Registry
from fleet.versions import Candidate, Verdict
from localaws.testing import LocalAws, temporary_localaws

CITIES = 10_000
AT_ONCE = 1_000
AIM_SECONDS = 5
ROUNDS = 3


def run() -> list[Figure]:
    """The figures of 10,000 cities, or of as many as ``FLEET_CITIES`` says."""
    cities = int(os.environ.get("FLEET_CITIES", CITIES))
    with temporary_localaws() as aws:
        return list(_figures(aws, cities))


def _figures(aws: LocalAws, cities: int) -> Iterator[Figure]:
    table = deployed_table(aws, stack_name("dev", "storage"))
    registry = Registry(aws.session().client("dynamodb"), table)
    names = [f"City{number:06}_XX" for number in range(cities)]
    began = time.perf_counter()
    for start in range(0, cities, AT_ONCE):
        drafts = [Draft(_candidate(name), Verdict(True)) for name in names[start : start + AT_ONCE]]
        registry.promote(list(registry.record(drafts).versions.values()))
    yield Figure(f"{cities:,} cities recorded and promoted", time.perf_counter() - began, "s")
    for what, options in (("as a table", ()), ("as JSON", ("--json",))):
        seconds, output = min(_listed(aws, *options) for _ in range(ROUNDS))
        listed = len(json.loads(output)) if options else output.count("_XX")
        beside = f"{listed:,} listed; aim: {AIM_SECONDS}"
        yield Figure(f"housing models list, {what}", seconds, "s", beside)


def _listed(aws: LocalAws, *options: str) -> tuple[float, str]:
    """The whole command, from its start to its end, and what it printed."""
    command = [sys.executable, "-m", "scripts.housing", "models", "list", *options]
    began = time.perf_counter()
    done = subprocess.run(command, env=aws.environment, capture_output=True, text=True, check=True)
    return time.perf_counter() - began, done.stdout


def _candidate(city: str) -> Candidate:
    """As large as those of houses are."""
    return Candidate(
        city,
        f"jobs/housing-dev-fleet-0123456789ab/output/model/{city}.tar.gz",
        "0" * 64,
        900,
        job="housing-dev-fleet-0123456789ab",
        preprocessor_url="s3://bucket/preprocessor/" + "0" * 64 + "/model.tar.gz",
        data_digest="0" * 16,
        hyperparameters_digest="0" * 16,
        train_rows=630,
        validation_rows=270,
        metrics={"mae": 20_123.456, "serving_mae": 20_234.567},
        baselines={"median_mae": 60_000.5, "least_squares_mae": 15_000.0},
    )

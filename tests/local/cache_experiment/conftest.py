"""A deployed stage on the instance type of the notebook, and the default experiment run there once.

The default experiment wants an endpoint that has loaded no model, and its alarm a quiet one: the
modules that need it come first in the alphabet.
"""

import csv
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from fleet.cache.copies import EXPERIMENTS_PREFIX
from fleet.cache.metrics import Series
from fleet.deployment import Deployment, find_deployment
from localaws import lifecycle
from localaws.testing import LocalAws
from tests.local.assembly import Assembly
from tests.local.commands import succeed
from tests.local.conftest import ROOT, StartLocalAws

CITY = "Chicago_IL"
EXPERIMENT = (sys.executable, "-m", "scripts.cache_experiment")


@dataclass(frozen=True)
class Watched:
    """A deployed stage on ml.m4.xlarge, the instance type of the notebook."""

    aws: LocalAws
    deployment: Deployment

    @property
    def endpoint_name(self) -> str:
        return self.deployment.require("endpoint_name")

    def experiment(self, output: Path, *arguments: str) -> dict[str, Any]:
        """Run an experiment; its results.json."""
        succeed(self.aws, "cache-experiment", "--output", str(output), *arguments)
        (results,) = output.glob("*/results.json")
        document: dict[str, Any] = json.loads(results.read_text())
        return document

    def invoke(self, target_model: str, body: bytes) -> None:
        """One invocation. Raises ``ClientError``."""
        self.aws.session().client("sagemaker-runtime").invoke_endpoint(
            EndpointName=self.endpoint_name,
            TargetModel=target_model,
            ContentType="text/csv",
            Body=body,
        )

    def copies(self) -> list[str]:
        """Keys that experiments have in S3, noncurrent versions and delete markers included."""
        s3 = self.aws.session().client("s3")
        bucket = self.deployment.require("bucket_name")
        listing = s3.list_object_versions(Bucket=bucket, Prefix=f"models/{EXPERIMENTS_PREFIX}")
        versions = [*listing.get("Versions", []), *listing.get("DeleteMarkers", [])]
        return [item["Key"] for item in versions]

    def begin(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start an experiment and return when its first pass has begun."""
        process = subprocess.Popen(
            [*EXPERIMENT, *arguments],
            cwd=ROOT,
            env=self.aws.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        assert process.stderr.readline().startswith("pass 1"), process.communicate()
        return process


@pytest.fixture(scope="package")
def watched(
    start_with_storage: StartLocalAws, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watched]:
    directory = tmp_path_factory.mktemp("watched")
    aws = start_with_storage(directory / "state")
    try:
        out = directory / "cdk.out"
        stage = Assembly.synthesize(aws, out, "dev", instanceType="ml.m4.xlarge")
        succeed(aws, "train", "--city", CITY, "--houses", "200")
        stage.deploy("hosting", "monitoring")
        yield Watched(aws, find_deployment(aws.session(), "dev"))
    finally:
        lifecycle.stop(directory / "state")


@dataclass(frozen=True)
class DefaultExperiment:
    """The default experiment, run once, and where its files are."""

    directory: Path
    results: dict[str, Any]
    began: datetime

    @cached_property
    def rows(self) -> list[dict[str, str]]:
        with (self.directory / "invocations.csv").open(newline="") as file:
            return list(csv.DictReader(file))

    def series(self, name: str, statistic: str) -> Series:
        (found,) = (
            one
            for one in self.results["metrics"]
            if one["metric"].endswith(name) and one["statistic"] == statistic
        )
        moments = (datetime.fromisoformat(text).timestamp() for text in found["timestamps"])
        return Series(self.results["period_seconds"], tuple(moments), tuple(found["values"]))


@pytest.fixture(scope="package")
def default(watched: Watched, tmp_path_factory: pytest.TempPathFactory) -> DefaultExperiment:
    output = tmp_path_factory.mktemp("output")
    _shorten(watched, "Thrash", seconds=10)
    began = datetime.now(UTC)
    results = watched.experiment(output)
    (directory,) = output.iterdir()
    return DefaultExperiment(directory, results, began)


def _shorten(watched: Watched, alarm: str, seconds: int) -> None:
    """Give a deployed alarm a shorter period, and wait until it is OK with that."""
    cloudwatch = watched.aws.session().client("cloudwatch")
    name = f"{watched.endpoint_name}-{alarm}"
    found: Any = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
    kept = (
        "AlarmName", "MetricName", "Namespace", "Statistic", "Dimensions", "EvaluationPeriods",
        "Threshold", "ComparisonOperator", "TreatMissingData",
    )  # fmt: skip
    settings = {key: found[key] for key in kept if key in found}
    cloudwatch.put_metric_alarm(**settings, Period=seconds)
    while (
        cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0].get("StateValue") != "OK"
    ):
        time.sleep(0.2)

"""The cache experiment on a deployed endpoint: the notebook's charts, the dashboard, the alarm.

The figures are those of the notebook multi_model_linear_learner_home_value in
github.com/aws/amazon-sagemaker-examples: its charts show 100 models, then 121 at 79 % of memory.
"""

import csv
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws import lifecycle
from scripts.cache.arguments import EXAMPLE_HOUSE
from scripts.cache.copies import EXPERIMENTS_PREFIX
from scripts.cache.metrics import Series, plateaus
from scripts.deployment import Deployment, find_deployment
from tests.local.conftest import ROOT, LocalAws, start_localaws

CITY = "Chicago_IL"
MODEL = f"{CITY}/{CITY}.tar.gz"
BROKEN_MODEL = "Broken_XX/Broken_XX.tar.gz"
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
        self.aws.run(*EXPERIMENT, "--output", str(output), *arguments)
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


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    directory = tmp_path_factory.mktemp("watched")
    aws = start_localaws(directory / "state")
    try:
        aws.cdk("bootstrap", f"aws://{aws.state.account_id}/{aws.state.region}", cwd=directory)
        _write_config(directory / "cdk.json")
        aws.cdk("synth", "--quiet", "--output", "cdk.out", cwd=directory)
        _deploy(aws, directory, "housing-dev-storage")
        aws.run(sys.executable, "-m", "scripts.train", "--city", CITY, "--houses", "200")
        _deploy(aws, directory, "housing-dev-hosting", "housing-dev-monitoring")
        yield Watched(aws, find_deployment(aws.session(), "dev"))
    finally:
        lifecycle.stop(directory / "state")


def _write_config(path: Path) -> None:
    """This project's cdk.json with the notebook's instance type in stage dev."""
    config = json.loads((ROOT / "cdk.json").read_text())
    config["app"] = f"{sys.executable} {ROOT / 'app.py'}"
    config["context"]["housing"]["dev"]["instanceType"] = "ml.m4.xlarge"
    path.write_text(json.dumps(config))


def _deploy(aws: LocalAws, directory: Path, *stacks: str) -> None:
    options = ("--app", "cdk.out", "--exclusively", "--require-approval", "never")
    aws.cdk("deploy", *stacks, *options, cwd=directory)


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


@pytest.fixture(scope="module")
def default(watched: Watched, tmp_path_factory: pytest.TempPathFactory) -> DefaultExperiment:
    output = tmp_path_factory.mktemp("output")
    _shorten(watched, "Thrash", seconds=10)
    began = datetime.now(UTC)
    results = watched.experiment(output)
    (directory,) = output.iterdir()
    return DefaultExperiment(directory, results, began)


def _shorten(watched: Watched, alarm: str, seconds: int) -> None:
    """Give a deployed alarm a shorter period; nothing else of it changes."""
    cloudwatch = watched.aws.session().client("cloudwatch")
    name = f"{watched.endpoint_name}-{alarm}"
    found: Any = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
    kept = (
        "AlarmName", "MetricName", "Namespace", "Statistic", "Dimensions", "EvaluationPeriods",
        "Threshold", "ComparisonOperator", "TreatMissingData",
    )  # fmt: skip
    settings = {key: found[key] for key in kept if key in found}
    cloudwatch.put_metric_alarm(**settings, Period=seconds)


def test_loaded_models_rise_to_100_and_then_to_121(default: DefaultExperiment) -> None:
    levels = [level.value for level in plateaus(default.series("LoadedModelCount", "Average"))]
    assert levels == [pytest.approx(100, abs=1), pytest.approx(121, abs=1)]


def test_memory_ends_at_79_percent(default: DefaultExperiment) -> None:
    assert default.series("MemoryUtilization", "Average").values[-1] == pytest.approx(79, abs=1)


def test_cache_hits_are_none_then_all_then_falling(default: DefaultExperiment) -> None:
    first, second, third = (one["cache"]["hit_ratio"] for one in default.results["passes"])
    assert (first, second) == (0, 1)
    assert third == pytest.approx(0.5, abs=0.01)
    ratios = default.series("ModelCacheHit", "Average").values
    assert ratios[-1] == 0


def test_cloudwatch_counts_every_load_and_unload(default: DefaultExperiment) -> None:
    cache = default.results["summary"]["cache"]
    assert (cache["lookups"], cache["loads"], cache["unloads"]) == (400, 200, 79)


def test_there_is_a_row_for_every_invocation_and_none_failed(default: DefaultExperiment) -> None:
    assert len(default.rows) == 400
    assert {row["error"] for row in default.rows} == {""}


def test_rows_say_which_invocations_were_cold(default: DefaultExperiment) -> None:
    temperatures = [row["cold_or_warm"] for row in default.rows]
    assert temperatures[:200] == ["cold"] * 100 + ["warm"] * 100
    assert temperatures.count("cold") == 200


def test_summaries_have_cold_and_warm_latencies(default: DefaultExperiment) -> None:
    summary = default.results["summary"]
    for temperature in ("cold", "warm"):
        latencies = summary[temperature]
        assert 0 < latencies["p50"] <= latencies["p95"] <= latencies["p99"]


def test_charts_are_drawn(default: DefaultExperiment) -> None:
    charts = sorted(path.name for path in default.directory.glob("*.png"))
    assert charts == ["cache-hits.png", "latency.png", "loaded-models.png"]


def test_what_is_simulated_is_known_by_the_endpoints_tag(default: DefaultExperiment) -> None:
    assert "MemoryUtilization" in default.results["endpoint"]["simulated_metrics"]


def test_the_copies_are_removed(watched: Watched, default: DefaultExperiment) -> None:
    assert watched.copies() == []


def test_every_metric_of_the_deployed_dashboard_has_data(
    watched: Watched, default: DefaultExperiment
) -> None:
    cloudwatch = watched.aws.session().client("cloudwatch")
    name = watched.deployment.require("dashboard_name")
    body = json.loads(cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"])
    queries = [query for widget in body["widgets"] for query in _queries(widget["properties"])]
    assert len(queries) > 15
    empty = []
    for query in queries:
        answer = cloudwatch.get_metric_data(
            MetricDataQueries=[query],
            StartTime=default.began - timedelta(minutes=1),
            EndTime=datetime.now(UTC) + timedelta(minutes=1),
        )
        if not answer["MetricDataResults"][0]["Values"]:
            empty.append(query["MetricStat"])
    assert empty == []


def _queries(properties: dict[str, Any]) -> Iterator[Any]:
    """The metrics of a graph widget as GetMetricData takes them.

    A line is a list: namespace, name, dimension names and values in turn, options. ``.`` repeats
    what stands in the same place of the line above, ``...`` all that is not given.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
    """
    previous: list[str] = []
    for number, line in enumerate(properties["metrics"]):
        options = line[-1] if isinstance(line[-1], dict) else {}
        words = [word for word in line if isinstance(word, str)]
        if words[0] == "...":
            words = previous[: len(previous) - len(words) + 1] + words[1:]
        words = [previous[i] if word == "." else word for i, word in enumerate(words)]
        previous = words
        yield {
            "Id": f"m{number}",
            "MetricStat": {
                "Metric": {
                    "Namespace": words[0],
                    "MetricName": words[1],
                    "Dimensions": [
                        {"Name": name, "Value": value}
                        for name, value in zip(words[2::2], words[3::2], strict=True)
                    ],
                },
                "Period": options.get("period", properties.get("period", 300)),
                "Stat": options.get("stat", properties.get("stat", "Average")),
            },
        }


def test_the_thrash_alarm_goes_off_in_the_third_pass_and_ends(
    watched: Watched, default: DefaultExperiment
) -> None:
    cloudwatch = watched.aws.session().client("cloudwatch")
    name = f"{watched.endpoint_name}-Thrash"
    cloudwatch.get_waiter("alarm_exists").wait(AlarmNames=[name])
    states = _states_after(watched, name, default.began)
    third_pass = datetime.fromisoformat(default.rows[200]["started"])
    assert [state for state, _ in states] == ["ALARM", "OK"]
    assert states[0][1] >= third_pass.replace(microsecond=0)


def _states_after(watched: Watched, alarm: str, moment: datetime) -> list[tuple[str, datetime]]:
    """What an alarm changed to, oldest first, once it is OK again."""
    cloudwatch = watched.aws.session().client("cloudwatch")
    deadline = datetime.now(UTC) + timedelta(seconds=90)
    while datetime.now(UTC) < deadline:
        items = cloudwatch.describe_alarm_history(
            AlarmName=alarm, HistoryItemType="StateUpdate", ScanBy="TimestampAscending"
        )["AlarmHistoryItems"]
        states = [
            (json.loads(item["HistoryData"])["newState"]["stateValue"], item["Timestamp"])
            for item in items
            if item["Timestamp"] >= moment
        ]
        if len(states) > 1 and states[-1][0] == "OK":
            break
    return states


def documented_queries() -> list[Any]:
    """The queries of docs/logs-insights.md, each with its heading."""
    text = (ROOT / "docs" / "logs-insights.md").read_text()
    sections = (section.partition("\n") for section in text.split("\n## "))
    return [
        pytest.param(query, id=heading)
        for heading, _, body in sections
        for query in re.findall(r"```insights\n(.*?)```", body, re.DOTALL)
    ]


@pytest.fixture(scope="module")
def eventful(watched: Watched, default: DefaultExperiment) -> None:
    """After the default experiment: a model that comes back, one that cannot load, a refusal."""
    s3 = watched.aws.session().client("s3")
    bucket = watched.deployment.require("bucket_name")
    s3.put_object(Bucket=bucket, Key=f"models/{BROKEN_MODEL}", Body=b"no archive")
    watched.invoke(default.rows[0]["target_model"], EXAMPLE_HOUSE)
    for target_model, body in ((BROKEN_MODEL, EXAMPLE_HOUSE), (MODEL, b"no house")):
        with pytest.raises(ClientError):
            watched.invoke(target_model, body)
    s3.delete_object(Bucket=bucket, Key=f"models/{BROKEN_MODEL}")
    time.sleep(2)  # log lines are published once a second


@pytest.mark.parametrize("query", documented_queries())
def test_a_documented_query_finds_something_in_the_logs(
    watched: Watched, eventful: None, query: str
) -> None:
    logs = watched.aws.session().client("logs")
    started = logs.start_query(
        logGroupName=f"/aws/sagemaker/Endpoints/{watched.endpoint_name}",
        startTime=int((datetime.now(UTC) - timedelta(hours=1)).timestamp()),
        endTime=int((datetime.now(UTC) + timedelta(hours=1)).timestamp()),
        queryString=query,
    )
    answer = logs.get_query_results(queryId=started["queryId"])
    assert answer["status"] == "Complete"
    assert answer["results"]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_experiment_removes_its_copies(
    watched: Watched, how: signal.Signals
) -> None:
    process = watched.begin("--passes", "50", "--pace", "2")
    assert len(watched.copies()) == 50
    process.send_signal(how)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, watched.copies()) == (130, []), errors


def test_what_a_killed_experiment_left_is_removed_on_request(watched: Watched) -> None:
    process = watched.begin("--passes", "20", "--pace", "2")
    process.kill()
    process.communicate()
    assert len(watched.copies()) == 20
    watched.aws.run(*EXPERIMENT, "--clean")
    assert watched.copies() == []


def test_popular_models_stay_in_the_cache(watched: Watched, tmp_path: Path) -> None:
    results = watched.experiment(
        tmp_path, "--traffic", "zipf", "--copies", "30", "--passes", "120", "--pace", "max"
    )
    models = {row["target_model"] for row in results["invocations"]}
    assert results["summary"]["cache"]["lookups"] == 120
    assert results["summary"]["cache"]["loads"] == len(models)


def test_a_trace_is_replayed_in_its_order(watched: Watched, tmp_path: Path) -> None:
    trace = tmp_path / "trace.csv"
    trace.write_text("target_model\nb/b.tar.gz\na/a.tar.gz\nb/b.tar.gz\n")
    results = watched.experiment(tmp_path / "output", "--trace", str(trace), "--concurrency", "1")
    invoked = [row["target_model"].split("/", 2)[2] for row in results["invocations"]]
    assert invoked == ["b/b.tar.gz", "a/a.tar.gz", "b/b.tar.gz"]
    assert results["summary"]["cache"]["hits"] == 1


def test_the_summary_can_be_read_by_a_program(watched: Watched, tmp_path: Path) -> None:
    done = subprocess.run(
        [*EXPERIMENT, "--passes", "3", "--json", "--output", str(tmp_path)],
        cwd=ROOT,
        env=watched.aws.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["invocations"] == 3


def test_requests_that_all_fail_are_one_clear_line(watched: Watched, tmp_path: Path) -> None:
    payload = tmp_path / "payload"
    payload.write_text("not,a,house")
    output = watched.aws.run(
        *EXPERIMENT, "--passes", "2", "--payload", str(payload), "--output", str(tmp_path),
        check=False,
    )  # fmt: skip
    assert "endpoint housing-dev answered every request with ModelError" in output
    assert watched.copies() == []


def test_an_unknown_endpoint_is_one_clear_line(watched: Watched) -> None:
    output = watched.aws.run(*EXPERIMENT, "--endpoint", "no-such-endpoint", check=False)
    assert "endpoint no-such-endpoint" in output
    assert "Traceback" not in output


def test_a_cold_request_is_traced_through_download_load_and_containers(watched: Watched) -> None:
    output = watched.aws.run(sys.executable, "-m", "scripts.predict", "--city", CITY, "--trace")
    for part in ("waiting for the model", "load into memory", "preprocessor", "linear-learner"):
        assert part in output
    assert "no other requests in the period (1 of 1 cold)" in output

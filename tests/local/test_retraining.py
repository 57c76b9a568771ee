"""The deployed retraining stack: a CSV dropped into the bucket serves, without a person."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from fleet.deployment import find_deployment
from fleet.gate import GateRules
from fleet.registry import Registry
from fleet.versions import State
from localaws.testing import LocalAws
from tests.local.conftest import StageOf, StartLocalAws
from training.fleet_trainer.cities import split_rows
from training.fleet_trainer.recipe import Recipe
from training.houses import Market
from training.pipeline import Pipeline
from training.publish import publish_preprocessor, store_preprocessor
from training.table import Table
from training.workspace import Workspace

DEADLINE_SECONDS = 400


@dataclass(frozen=True)
class Stage:
    """A stage with storage and retraining deployed and a preprocessor published."""

    aws: LocalAws
    workspace: Workspace
    state_machine: str

    @property
    def registry(self) -> Registry:
        return self.workspace.registry

    def drop(self, city: str, body: str) -> None:
        self.workspace.write(f"incoming/{city}.csv", body.encode())

    def executions(self) -> list[dict[str, Any]]:
        states = self.aws.session().client("stepfunctions")
        return states.list_executions(stateMachineArn=self.state_machine)["executions"]  # type: ignore[return-value]

    def causes_of_failures(self) -> list[str]:
        states = self.aws.session().client("stepfunctions")
        return [
            states.describe_execution(executionArn=each["executionArn"]).get("cause", "")
            for each in self.executions()
            if each["status"] != "SUCCEEDED"
        ]

    def wait_until_idle(self) -> None:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            waiting = self.workspace.keys("incoming/")
            executions = self.executions()
            running = [each for each in executions if each["status"] == "RUNNING"]
            if not waiting and not running and executions:
                return
            time.sleep(0.5)
        pytest.fail(f"{waiting} still waits; {running} runs")

    def reports(self) -> list[dict[str, Any]]:
        keys = [key for key in self.workspace.keys("jobs/retraining/") if "report.json" in key]
        read = [json.loads(self.workspace.read(key)) for key in keys]
        return sorted(read, key=lambda report: str(report["time"]))


@pytest.fixture(scope="module")
def stage(
    start_with_storage: StartLocalAws, dev: StageOf, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """On a server of its own: the registry has no city of another test."""
    aws = start_with_storage(tmp_path_factory.mktemp("retraining") / "state")
    session = aws.session()
    deployment = find_deployment(session, "dev")
    workspace = Workspace.create(
        session,
        stage="dev",
        bucket=deployment.require("bucket_name"),
        role_arn=deployment.require("training_role_arn"),
        parameter=deployment.preprocessor_parameter,
        registry_table=deployment.require("registry_table_name"),
        rules=GateRules(),
    )
    pipeline = Pipeline(workspace)
    houses = {city: Market().houses(city, 300) for city in ("Chicago_IL", "Boston_MA")}
    artifact = pipeline.fit_preprocessor(pipeline.upload(houses))
    url = store_preprocessor(workspace.s3, workspace.bucket, artifact)
    publish_preprocessor(workspace.ssm, workspace.parameter, url)
    dev(aws).deploy("retraining")
    yield Stage(aws, workspace, dev(aws).outputs("retraining")["StateMachineArn"])
    aws.stop()


def test_what_arrives_serves_and_what_cannot_be_read_stops_no_other(stage: Stage) -> None:
    market = Market(seed=1)
    for city in ("Chicago_IL", "Boston_MA"):
        stage.drop(city, market.houses(city, 400).to_csv())
    stage.drop("Broken_XX", "no,house\n")
    stage.wait_until_idle()
    served = stage.registry.some_cities(["Chicago_IL", "Boston_MA", "Broken_XX"])
    assert {name: city.serving for name, city in served.items()} == {
        "Boston_MA": 1,
        "Chicago_IL": 1,
    }
    assert "models/Chicago_IL/Chicago_IL.tar.gz" in stage.workspace.keys("models/")
    assert stage.causes_of_failures() == []
    failures = {k: v for report in stage.reports() for k, v in report["failures"].items()}
    assert "Broken_XX" in failures
    jobs = stage.workspace.sagemaker.list_training_jobs(NameContains="retraining")
    [job] = jobs["TrainingJobSummaries"]
    described = stage.workspace.sagemaker.describe_training_job(
        TrainingJobName=job["TrainingJobName"]
    )
    key = find_deployment(stage.aws.session(), "dev").require("key_arn")
    assert described["OutputDataConfig"].get("KmsKeyId") == key


def test_a_newer_file_of_a_city_makes_its_next_version(stage: Stage) -> None:
    stage.drop("Chicago_IL", Market(seed=2).houses("Chicago_IL", 500).to_csv())
    stage.wait_until_idle()
    city = stage.registry.city("Chicago_IL")
    assert city is not None
    assert (city.serving, city.previous) == (2, 1)


def test_a_worse_file_makes_a_candidate_that_does_not_serve_and_says_why(stage: Stage) -> None:
    """Prices of the training rows a quarter too high, those of the validation rows as they are."""
    stage.drop("Chicago_IL", overpriced(Market(seed=3).houses("Chicago_IL", 500)))
    stage.wait_until_idle()
    city = stage.registry.city("Chicago_IL")
    assert city is not None
    assert city.serving == 2
    refused = stage.registry.version("Chicago_IL", 3)
    assert refused.state is State.CANDIDATE
    (reason,) = refused.verdict.reasons
    assert "the version that serves has" in reason
    told = stage.reports()[-1]
    assert (told["counts"], told["cities"]["Chicago_IL"]["reason"]) == ({"refused": 1}, reason)


def overpriced(houses: Table) -> str:
    recipe = Recipe({})
    train, _ = split_rows(len(houses), recipe.test_share, recipe.validation_share)
    lines = houses.to_csv().splitlines()
    for number in train:
        cells, _, price = lines[number].rpartition(",")
        lines[number] = f"{cells},{1.25 * float(price):.0f}"
    return "\n".join(lines)


def test_a_run_without_a_preprocessor_fails_and_leaves_what_arrived(stage: Stage) -> None:
    ssm = stage.workspace.ssm
    url = ssm.get_parameter(Name=stage.workspace.parameter)["Parameter"]["Value"]
    ssm.delete_parameter(Name=stage.workspace.parameter)
    before = len(stage.executions())
    stage.drop("Boston_MA", Market(seed=3).houses("Boston_MA", 400).to_csv())
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        ended = [each["status"] for each in stage.executions() if each["status"] != "RUNNING"]
        if len(ended) > before:
            break
        time.sleep(0.5)
    assert "FAILED" in ended
    assert stage.workspace.keys("incoming/") == ["incoming/Boston_MA.csv"]
    publish_preprocessor(ssm, stage.workspace.parameter, url)
    states = stage.aws.session().client("stepfunctions")
    states.start_execution(stateMachineArn=stage.state_machine)
    stage.wait_until_idle()
    city = stage.registry.city("Boston_MA")
    assert city is not None
    assert city.serving == 2

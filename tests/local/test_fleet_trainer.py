"""The fleet trainer on localaws: one job for all cities, published, and never twice."""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fleet.gate import GateRules
from fleet.publishing import Outcome
from fleet.schema import HOUSES
from localaws.testing import LocalAws
from localaws.testing.jobs import make_jobs
from training.fleet_trainer.recipe import LINEAR_LEARNER_DEFAULTS, Recipe
from training.fleet_trainer.request import Cluster
from training.fleet_trainer.run import FleetError, FleetRun, FleetTrainer
from training.fleet_trainer.sources import Source, of_folder, of_prefix
from training.houses import COLUMNS, Market
from training.pipeline import Pipeline, Settings
from training.publish import store_preprocessor
from training.table import Table
from training.workspace import Workspace

RECIPE = Recipe({**HOUSES.hyperparameters, **LINEAR_LEARNER_DEFAULTS, "mini_batch_size": "20"})
EASY = GateRules(minimum_rows=1, maximum_distance=10)


@contextmanager
def quiet(name: str) -> Iterator[SimpleNamespace]:
    yield SimpleNamespace(detail="")


@dataclass(frozen=True)
class Fleet:
    """A workspace with a fitted preprocessor, and a registry."""

    workspace: Workspace
    preprocessor_url: str
    table: str
    recipe: Recipe = RECIPE
    instances: int = 1

    def train(self, sources: Mapping[str, Source], *, again: bool = False) -> FleetRun:
        cluster = Cluster(instance_count=self.instances)
        trainer = FleetTrainer(self.workspace, self.recipe, cluster, quiet)
        return trainer.run(sources, self.preprocessor_url, again=again)

    def of_another_process(self, localaws: LocalAws) -> "Fleet":
        """With connections of its own."""
        workspace = self.workspace
        own = Workspace.create(
            localaws.session(),
            workspace.stage,
            workspace.bucket,
            workspace.role_arn,
            workspace.parameter,
            self.table,
            EASY,
        )
        return replace(self, workspace=own)

    def artifacts(self, run: FleetRun) -> dict[str, bytes]:
        keys = {each.city: each.candidate.artifact_key for each in run.publications}
        return {city: self.workspace.read(key) for city, key in keys.items()}

    def jobs(self, **wanted: Any) -> int:
        answer = self.workspace.sagemaker.list_training_jobs(
            NameContains="fleet", MaxResults=100, **wanted
        )
        return len(answer["TrainingJobSummaries"])


@pytest.fixture(scope="module")
def fleet(localaws: LocalAws, table: str) -> Fleet:
    jobs = make_jobs(localaws.session(), "fleet-trainer")
    workspace = Workspace.create(
        localaws.session(), "fleet-test", jobs.bucket, jobs.role_arn, "/fleet-test/url", table, EASY
    )
    pipeline = Pipeline(workspace)
    houses = {city: Market().houses(city, 200) for city in ("One_AA", "Two_AA", "Three_AA")}
    artifact = pipeline.fit_preprocessor(pipeline.upload(houses))
    return Fleet(workspace, store_preprocessor(workspace.s3, jobs.bucket, artifact), table)


def folder_of(directory: Path, houses: Mapping[str, Table]) -> Path:
    for city, of_city in houses.items():
        (directory / f"{city}.csv").write_text(of_city.to_csv())
    return directory


def test_gives_to_the_byte_the_artifacts_of_the_service_trainer(
    fleet: Fleet, tmp_path: Path
) -> None:
    houses = {city: Market().houses(city, 200) for city in ("Same_AA", "Same_BB")}
    run = fleet.train(of_folder(folder_of(tmp_path, houses)))
    assert [(each.city, each.outcome) for each in run.publications] == [
        ("Same_AA", Outcome.PUBLISHED),
        ("Same_BB", Outcome.PUBLISHED),
    ]

    pipeline = Pipeline(fleet.workspace)
    dataset = pipeline.upload(houses)
    files = pipeline.transform(dataset, fleet.preprocessor_url)
    jobs = Pipeline(fleet.workspace, Settings(hyperparameters=RECIPE.hyperparameters)).train_cities(
        dataset, files
    )
    assert fleet.artifacts(run) == {city: pipeline.artifact(job) for city, job in jobs.items()}


def test_what_is_unchanged_is_not_trained_again(fleet: Fleet, tmp_path: Path) -> None:
    houses = {city: Market().houses(city, 120) for city in ("Calm_AA", "Busy_AA")}
    folder = folder_of(tmp_path, houses)
    fleet.train(of_folder(folder))
    before = fleet.jobs()
    assert fleet.train(of_folder(folder)).unchanged == ("Busy_AA", "Calm_AA")
    assert fleet.jobs() == before

    (folder / "Busy_AA.csv").write_text(Market(seed=1).houses("Busy_AA", 120).to_csv())
    run = fleet.train(of_folder(folder))
    assert run.unchanged == ("Calm_AA",)
    assert [(each.city, each.version.number) for each in run.publications if each.version] == [
        ("Busy_AA", 2)
    ]


def test_a_city_that_cannot_be_trained_is_named_and_the_others_serve(
    fleet: Fleet, tmp_path: Path
) -> None:
    good = Market().houses("Good_AA", 120)
    folder = folder_of(tmp_path, {"Good_AA": good})
    header = ",".join(COLUMNS)
    rows = good.to_csv().splitlines()
    rows[4] = rows[4].replace(rows[4].split(",")[1], "large")
    (folder / "Bad_AA.csv").write_text("\n".join([header, *rows]))
    (folder / "Few_AA.csv").write_text("\n".join([header, *good.to_csv().splitlines()[:15]]))
    run = fleet.train(of_folder(folder))
    assert [each.city for each in run.publications] == ["Good_AA"]
    bad, few = run.failures["Bad_AA"], run.failures["Few_AA"]
    assert bad == f"{folder}/Bad_AA.csv, row 6, column SQUARE_FEET: 'large' is not a number"
    assert few.startswith(f"{folder}/Few_AA.csv: 15 rows, of which 10 train; mini_batch_size 20")


def test_what_an_interrupted_run_trained_is_published_and_not_trained_again(
    fleet: Fleet, tmp_path: Path
) -> None:
    """The run ends after its job, before anything is published."""
    folder = folder_of(tmp_path, {"Half_AA": Market().houses("Half_AA", 120)})
    cluster = Cluster()

    @contextmanager
    def interrupted(name: str) -> Iterator[SimpleNamespace]:
        if "publish" in name:
            raise KeyboardInterrupt
        yield SimpleNamespace(detail="")

    trainer = FleetTrainer(fleet.workspace, RECIPE, cluster, interrupted)
    with pytest.raises(KeyboardInterrupt):
        trainer.run(of_folder(folder), fleet.preprocessor_url)
    before = fleet.jobs()
    run = fleet.train(of_folder(folder))
    assert [each.outcome for each in run.publications] == [Outcome.PUBLISHED]
    assert fleet.jobs() == before


@pytest.mark.parametrize("ended_by", [signal.SIGKILL, signal.SIGINT], ids=["kill", "Ctrl-C"])
def test_a_run_that_was_ended_within_its_job_goes_on_where_it_was(
    fleet: Fleet, localaws: LocalAws, tmp_path: Path, ended_by: signal.Signals
) -> None:
    """After a kill the job runs on, and is joined; Ctrl-C has stopped it, and another begins."""
    name = f"Ended{ended_by:d}_AA"
    folder = folder_of(tmp_path, {name: Market().houses(name, 120)})
    before = fleet.jobs()
    end_client(fleet, localaws, folder, ended_by)

    run = fleet.train(of_folder(folder))
    assert [(each.city, each.outcome) for each in run.publications] == [(name, Outcome.PUBLISHED)]
    assert fleet.jobs() <= before + (1 if ended_by == signal.SIGKILL else 2)


def test_a_job_that_ends_while_a_second_run_begins_is_not_run_again(
    fleet: Fleet, localaws: LocalAws, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path, {"Meanwhile_AA": Market().houses("Meanwhile_AA", 120)})
    before = fleet.jobs()
    end_client(fleet, localaws, folder, signal.SIGKILL)

    @contextmanager
    def late(name: str) -> Iterator[SimpleNamespace]:
        while "train" in name and fleet.jobs(StatusEquals="InProgress"):
            time.sleep(0.05)
        yield SimpleNamespace(detail="")

    trainer = FleetTrainer(fleet.workspace, RECIPE, Cluster(), late)
    run = trainer.run(of_folder(folder), fleet.preprocessor_url)
    assert [each.outcome for each in run.publications] == [Outcome.PUBLISHED]
    assert fleet.jobs() == before + 1


def end_client(fleet: Fleet, localaws: LocalAws, folder: Path, how: signal.Signals) -> None:
    """Another process trains the folder's cities, and is ended once its job is there."""
    before = fleet.jobs()
    client = multiprocessing.get_context("fork").Process(
        target=lambda: fleet.of_another_process(localaws).train(of_folder(folder))
    )
    client.start()
    while fleet.jobs() == before:
        assert client.is_alive()
        time.sleep(0.05)
    assert client.pid is not None
    os.kill(client.pid, how)
    client.join(60)
    assert client.exitcode


@pytest.mark.parametrize("instances", [2, 4])
def test_the_number_of_instances_changes_no_artifact(fleet: Fleet, instances: int) -> None:
    s3, bucket = fleet.workspace.s3, fleet.workspace.bucket
    for number in range(5):
        city = f"Shard{number}_AA"
        body = Market().houses(city, 120).to_csv().encode()
        s3.put_object(Bucket=bucket, Key=f"incoming/shards/{city}.csv", Body=body)
    sources = of_prefix(fleet.workspace, "incoming/shards/")
    one = fleet.artifacts(fleet.train(sources, again=True))
    several = fleet.artifacts(replace(fleet, instances=instances).train(sources, again=True))
    assert one == several
    assert len(one) == 5


def test_hyperparameters_are_refused_before_anything_is_uploaded(fleet: Fleet) -> None:
    wrong = replace(fleet, recipe=Recipe({**RECIPE.hyperparameters, "epochs": "0"}))
    with pytest.raises(FleetError, match="epochs is '0'"):
        wrong.train({})

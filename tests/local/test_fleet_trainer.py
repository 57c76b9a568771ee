"""The fleet trainer on localaws: one job for all cities, published, and never twice."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from fleet.gate import GateRules
from fleet.publishing import Outcome
from fleet.registry import Registry
from tests.local.conftest import LocalAws
from tests.local.job_resources import make_jobs
from tests.local.registry.conftest import table  # noqa: F401 - a fixture
from training.fleet_trainer.cities import Recipe
from training.fleet_trainer.request import Cluster
from training.fleet_trainer.run import FleetRun, FleetTrainer
from training.fleet_trainer.sources import Source, of_folder
from training.houses import Houses, Market
from training.pipeline import LINEAR_LEARNER_DEFAULTS, Pipeline
from training.publish import store_preprocessor
from training.workspace import Workspace

RECIPE = Recipe({**LINEAR_LEARNER_DEFAULTS, "mini_batch_size": "20"})
EASY = GateRules(minimum_rows=1, maximum_distance=10)


@contextmanager
def quiet(name: str) -> Iterator[SimpleNamespace]:
    yield SimpleNamespace(detail="")


@dataclass(frozen=True)
class Fleet:
    """A workspace with a fitted preprocessor, and a registry."""

    workspace: Workspace
    registry: Registry
    preprocessor_url: str
    recipe: Recipe = RECIPE
    instances: int = 1

    def train(self, sources: Mapping[str, Source], *, again: bool = False) -> FleetRun:
        cluster = Cluster(instance_count=self.instances)
        trainer = FleetTrainer(self.workspace, self.registry, EASY, self.recipe, cluster, quiet)
        return trainer.run(sources, self.preprocessor_url, again=again)

    def artifacts(self, run: FleetRun) -> dict[str, bytes]:
        keys = {each.city: each.candidate.artifact_key for each in run.publications}
        return {city: self.workspace.read(key) for city, key in keys.items()}

    def jobs(self) -> int:
        answer = self.workspace.sagemaker.list_training_jobs(NameContains="fleet", MaxResults=100)
        return len(answer["TrainingJobSummaries"])


@pytest.fixture(scope="module")
def fleet(localaws: LocalAws, table: str) -> Fleet:  # noqa: F811
    jobs = make_jobs(localaws.session(), "fleet-trainer")
    workspace = Workspace.create(
        localaws.session(),
        "fleet-test",
        jobs.bucket,
        jobs.role_arn,
        "/fleet-test/preprocessor",
        registry_table=table,
        rules=EASY,
    )
    pipeline = Pipeline(workspace)
    houses = {city: Market().houses(city, 200) for city in ("One_AA", "Two_AA", "Three_AA")}
    artifact = pipeline.fit_preprocessor(pipeline.upload_houses(houses))
    registry = Registry(localaws.session().client("dynamodb"), table)
    return Fleet(workspace, registry, store_preprocessor(workspace.s3, jobs.bucket, artifact))


def folder_of(directory: Path, houses: Mapping[str, Houses]) -> Path:
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
    dataset = pipeline.upload_houses(houses)
    files = pipeline.transform(dataset, fleet.preprocessor_url)
    settings = {**RECIPE.hyperparameters}
    from training.pipeline import Settings

    jobs = Pipeline(fleet.workspace, Settings(hyperparameters=settings)).train_cities(files)
    assert fleet.artifacts(run) == {city: pipeline.artifact(job) for city, job in jobs.items()}

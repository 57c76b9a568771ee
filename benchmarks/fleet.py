"""The fleet trainer on localaws: from CSV files in its S3 to models that are served.

Of each step the seconds, of the job the cities a second and core, and of its workers the memory.
Cities have 1,000 houses each; a few hundred different ones are drawn, and their files repeat.
"""

import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import boto3

from benchmarks.figure import Figure
from benchmarks.registry_table import deployed_table
from fleet.gate import GateRules
from localaws import lifecycle
from localaws.testing import LocalAws, start_localaws
from localaws.testing.jobs import Jobs, make_jobs
from training.fleet_trainer.recipe import LINEAR_LEARNER_DEFAULTS, Recipe
from training.fleet_trainer.request import Cluster
from training.fleet_trainer.run import FleetRun, FleetTrainer
from training.fleet_trainer.sources import of_prefix
from training.houses import Market
from training.pipeline import Pipeline
from training.publish import store_preprocessor
from training.workspace import Workspace

CITIES = 10_000
DIFFERENT = 200
HOUSES = 1_000
THREADS = 8
RULES = GateRules(maximum_distance=10)


def run() -> list[Figure]:
    """The figures of 10,000 cities."""
    return measure(CITIES)


def measure(cities: int) -> list[Figure]:
    """The figures of so many cities."""
    with tempfile.TemporaryDirectory() as folder:
        aws = start_localaws(Path(folder) / "state")
        try:
            return list(_figures(aws, cities))
        finally:
            lifecycle.stop(aws.state.directory)


@dataclass
class Clock:
    """The seconds of each step of a run."""

    steps: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[SimpleNamespace]:
        began = time.perf_counter()
        yield SimpleNamespace(detail="")
        self.steps[name] = time.perf_counter() - began


def _figures(aws: LocalAws, cities: int) -> Iterator[Figure]:
    session = aws.session()
    jobs = make_jobs(session, "fleet")
    table = deployed_table(aws, "bench")
    workspace = Workspace.create(
        session, "bench", jobs.bucket, jobs.role_arn, "/bench", table, RULES
    )
    preprocessor_url = _preprocessor(workspace)
    _put_cities(jobs, cities)
    recipe = Recipe(LINEAR_LEARNER_DEFAULTS, test_share=0.1)

    def train() -> tuple[FleetRun, float, Clock]:
        clock = Clock()
        trainer = FleetTrainer(workspace, recipe, Cluster(), clock.step)
        began = time.perf_counter()
        done = trainer.run(of_prefix(workspace, "raw/bench/"), preprocessor_url)
        return done, time.perf_counter() - began, clock

    done, seconds, clock = train()
    served = sum(each.target_model is not None for each in done.publications)
    yield Figure(f"{cities:,} cities, CSV in S3 to published", seconds, "s", f"{served:,} serve")
    for name, of_step in clock.steps.items():
        yield Figure(f"  {name}", of_step, "s")
    yield Figure("  in the job's own words", done.billable_seconds, "s", _last_line(session, done))
    again, seconds, _ = train()
    unchanged = f"{len(again.unchanged):,} unchanged"
    yield Figure(f"{cities:,} cities again", seconds, "s", unchanged)


def _preprocessor(workspace: Workspace) -> str:
    pipeline = Pipeline(workspace)
    houses = {city: Market().houses(city, HOUSES) for city in ("One_AA", "Two_AA")}
    artifact = pipeline.fit_preprocessor(pipeline.upload(houses))
    return store_preprocessor(workspace.s3, workspace.bucket, artifact)


def _put_cities(jobs: Jobs, cities: int) -> None:
    market = Market()
    files = [market.houses(f"City{n}", HOUSES).to_csv() for n in range(min(DIFFERENT, cities))]
    s3 = jobs.s3

    def put(number: int) -> None:
        body = files[number % len(files)].encode()
        s3.put_object(Bucket=jobs.bucket, Key=f"raw/bench/City{number:06}_AA.csv", Body=body)

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(put, range(cities)))


def _last_line(session: boto3.Session, done: FleetRun) -> str:
    if done.job is None:
        return ""
    logs, group = session.client("logs"), "/aws/sagemaker/TrainingJobs"
    streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=done.job)
    name = streams["logStreams"][0]["logStreamName"]
    events = logs.get_log_events(logGroupName=group, logStreamName=name)["events"]
    return str(events[-1]["message"])

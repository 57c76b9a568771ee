"""The fleet trainer on localaws: from CSV files in its S3 to models that answer.

Cities have 1,000 houses each; a few hundred different ones are drawn, and their files repeat.
"""

import os
import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3

from benchmarks.figure import Figure
from benchmarks.registry_table import deployed_table
from fleet.gate import GateRules
from fleet.names import scikit_learn_environment
from fleet.registry import Registry
from fleet.schema import HOUSES
from localaws.testing import LocalAws, temporary_localaws
from localaws.testing.hosting import Hosting
from localaws.testing.jobs import Jobs, make_jobs
from training.fleet_trainer.cities import train_cities
from training.fleet_trainer.program import FittedPreprocessor
from training.fleet_trainer.recipe import LINEAR_LEARNER_DEFAULTS, Recipe
from training.fleet_trainer.request import Cluster
from training.fleet_trainer.run import FleetRun, FleetTrainer
from training.fleet_trainer.sources import of_prefix
from training.houses import Market
from training.images import linear_learner_image, scikit_learn_image
from training.pipeline import PREPROCESSOR_SCRIPT, Pipeline
from training.publish import store_preprocessor
from training.workspace import UNCHECKED, Workspace

CITIES = 10_000
DIFFERENT = 200
HOUSES_A_CITY = 1_000
THREADS = 8
PREDICTED_FROM = 200
ROUNDS = 5
RULES = GateRules(maximum_distance=10)
RECIPE = Recipe({**HOUSES.hyperparameters, **LINEAR_LEARNER_DEFAULTS})


def run() -> list[Figure]:
    """The figures of 10,000 cities, or of as many as ``FLEET_CITIES`` says."""
    cities = int(os.environ.get("FLEET_CITIES", CITIES))
    with temporary_localaws() as aws:
        return list(_figures(aws, cities))


@dataclass
class Clock:
    """The seconds of the steps of a run; several of one name count together."""

    steps: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    @contextmanager
    def step(self, name: str) -> Iterator[SimpleNamespace]:
        began = time.perf_counter()
        yield SimpleNamespace(detail="")
        self.steps[name] += time.perf_counter() - began


class TimedRegistry(Registry):
    """A registry whose writes are counted apart from the copies between them."""

    clock = Clock()

    def record(self, *arguments: Any) -> Any:
        with self.clock.step("of that, the registry"):
            return super().record(*arguments)

    def introduce(self, *arguments: Any, **options: Any) -> Any:
        with self.clock.step("of that, the registry"):
            return super().introduce(*arguments, **options)


def _figures(aws: LocalAws, cities: int) -> Iterator[Figure]:
    session = aws.session()
    jobs = make_jobs(session, "fleet")
    table = deployed_table(aws, "bench")
    workspace = Workspace.create(
        session, "bench", jobs.bucket, jobs.role_arn, "/bench", table, RULES
    )
    clock = Clock()
    registry = TimedRegistry(session.client("dynamodb", config=UNCHECKED), table)
    registry.clock = clock
    workspace = replace(workspace, registry=registry)
    files = _files(min(DIFFERENT, cities))
    preprocessor_url = _preprocessor(workspace)
    yield _core(workspace, preprocessor_url, files)

    with clock.step("upload"):
        _put_cities(jobs, files, cities)

    def train(clock: Clock) -> tuple[FleetRun, float]:
        trainer = FleetTrainer(workspace, RECIPE, Cluster(), clock.step)
        began = time.perf_counter()
        done = trainer.run(of_prefix(workspace, "raw/bench/"), preprocessor_url)
        return done, time.perf_counter() - began

    done, seconds = train(clock)
    with clock.step("predict"):
        answers = _predict(session, workspace, done, preprocessor_url)
    served = sum(each.target_model is not None for each in done.publications)
    total = seconds + clock.steps["predict"]
    beside = f"{served:,} serve, {answers} of them asked"
    yield Figure(f"{cities:,} cities, CSV in S3 to predicted from", total, "s", beside)
    for name, of_step in clock.steps.items():
        yield Figure(f"  {name}", of_step, "s")
    yield Figure("  in the job's own words", done.billable_seconds, "s", _last_line(session, done))
    again, seconds = train(Clock())
    yield Figure(
        f"{cities:,} cities again", seconds, "s", f"{len(again.unchanged):,} unchanged; aim: 15"
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield Figure(f"client's greatest memory, {cities:,} cities", peak, "MiB")


def _core(workspace: Workspace, preprocessor_url: str, files: list[bytes]) -> Figure:
    """One core, from the bytes of files to artifacts and reports: of processor time, not of time.

    The best of some rounds: what else the machine does only ever adds.
    """
    with tempfile.TemporaryDirectory() as folder:
        artifact = Path(folder) / "model.tar.gz"
        artifact.write_bytes(workspace.read(workspace.key_of(preprocessor_url)))
        preprocessor = FittedPreprocessor(preprocessor_url, artifact, Path(folder))
        some = [files[start : start + 32] for start in range(0, min(len(files), 128), 32)]
        best = float("inf")
        for _ in range(ROUNDS):
            began = time.process_time()
            done = 0
            for batch in some:
                named = {f"City{number}_AA": data for number, data in enumerate(batch)}
                done += sum(
                    trained.artifact is not None
                    for trained in train_cities(named, preprocessor, RECIPE)
                )
            best = min(best, (time.process_time() - began) / done)
    return Figure("cities a second and core, parse to artifact", 1 / best, "1/s", "aim: 300")


def _preprocessor(workspace: Workspace) -> str:
    pipeline = Pipeline(workspace)
    houses = {city: Market().houses(city, HOUSES_A_CITY) for city in ("One_AA", "Two_AA")}
    artifact = pipeline.fit_preprocessor(pipeline.upload(houses))
    return store_preprocessor(workspace.s3, workspace.bucket, artifact)


def _files(count: int) -> list[bytes]:
    market = Market()
    return [market.houses(f"City{n}", HOUSES_A_CITY).to_csv().encode() for n in range(count)]


def _put_cities(jobs: Jobs, files: list[bytes], cities: int) -> None:
    s3 = jobs.s3

    def put(number: int) -> None:
        body = files[number % len(files)]
        s3.put_object(Bucket=jobs.bucket, Key=f"raw/bench/City{number:06}_AA.csv", Body=body)

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(put, range(cities)))


def _predict(
    session: boto3.Session, workspace: Workspace, done: FleetRun, preprocessor_url: str
) -> int:
    """Ask some of the models, evenly chosen; how many answered."""
    bucket, region = workspace.bucket, workspace.region
    hosting = Hosting(session, bucket, workspace.role_arn)
    program = PREPROCESSOR_SCRIPT.name
    hosting.deploy(
        "bench",
        [
            {
                "Image": scikit_learn_image(region),
                "ModelDataUrl": preprocessor_url,
                "Environment": dict(scikit_learn_environment(program, region)),
            },
            {
                "Image": linear_learner_image(region),
                "Mode": "MultiModel",
                "ModelDataUrl": f"s3://{bucket}/models/",
            },
        ],
    )
    targets = [each.target_model for each in done.publications if each.target_model]
    chosen = targets[:: max(1, len(targets) // PREDICTED_FROM)]
    row = Market().houses("City0", 1).without_label().to_csv().encode()
    return sum(b"score" in hosting.invoke("bench", row, TargetModel=t)["Body"] for t in chosen)


def _last_line(session: boto3.Session, done: FleetRun) -> str:
    if done.job is None:
        return ""
    logs, group = session.client("logs"), "/aws/sagemaker/TrainingJobs"
    streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=done.job)
    name = streams["logStreams"][0]["logStreamName"]
    events = logs.get_log_events(logGroupName=group, logStreamName=name)["events"]
    return str(events[-1]["message"])

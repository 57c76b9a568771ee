"""One run of the fleet trainer: what is missing is trained in one job, and published.

What an earlier run has done is found, wherever it was interrupted: in the registry, and in the
reports of the latest jobs, finished or stopped.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from fleet.errors import HousingError
from fleet.names import PROJECT, Prefix
from fleet.publishing import Publication, Publisher
from fleet.table import chunks
from fleet.versions import Candidate
from training.fleet_trainer.cities import split_rows
from training.fleet_trainer.inputs import InputFile, comparable, job_request
from training.fleet_trainer.recipe import Recipe, digest
from training.fleet_trainer.reports import (
    Reported,
    candidate_of,
    earlier_reports,
    latest_jobs,
    reports_of,
)
from training.fleet_trainer.request import Cluster
from training.fleet_trainer.rows import count_rows
from training.fleet_trainer.sources import Source
from training.fleet_trainer.spool import Spool
from training.images import scikit_learn_image
from training.job import Job, JobEvent, JobState, Status
from training.job_services import TrainingJobs
from training.jobs import JobRunner
from training.linear_learner.exact import LOSSES as EXACT_LOSSES
from training.linear_learner.hyperparameters import HyperparameterError, Hyperparameters
from training.workspace import Workspace

RUNS = f"{Prefix.JOBS}fleet/"
"""``<digest>/`` holds the manifest of a run's files, and their fingerprints."""
S3_THREADS = 16
PUBLISHED_AT_ONCE = 1000

Step = Callable[[str], Any]
"""Opens a context in which a step is shown; its value has a settable ``detail``."""


class FleetError(HousingError):
    """The fleet cannot be trained, none of its cities."""


@dataclass(frozen=True)
class FleetRun:
    """What a run did.

    ``failures`` says of each city that was not trained what is wrong with it; ``unchanged`` cities
    serve what their rows would give again. ``publications`` are on disk: a fleet's would fill the
    memory.
    """

    preprocessor_url: str
    publications: Spool[Publication] = field(default_factory=Spool)
    unchanged: tuple[str, ...] = ()
    failures: Mapping[str, str] = field(default_factory=dict)
    job: str | None = None
    billable_seconds: int = 0


class FleetTrainer:
    """Trains fleets in one workspace with one recipe; ``report`` is told each change of the job."""

    def __init__(
        self,
        workspace: Workspace,
        recipe: Recipe,
        cluster: Cluster,
        step: Step,
        report: Callable[[JobEvent], None] = lambda event: None,
    ) -> None:
        self._workspace = workspace
        self._recipe = recipe
        self._cluster = cluster
        self._step = step
        self._report = report
        self._stem = f"{PROJECT}-{workspace.stage}-fleet"

    def run(
        self,
        sources: Mapping[str, Source],
        preprocessor_url: str,
        *,
        again: bool = False,
        force: bool = False,
    ) -> FleetRun:
        """Train and publish what is missing of these cities.

        With ``again`` all are trained, also the unchanged; with ``force`` models serve that the
        gate refuses.
        """
        _check(self._recipe)
        reported: Spool[Reported] = Spool()
        with self._step("find what is unchanged") as step:
            failures = dict(self._too_small(sources))
            unchanged = () if again else self._unchanged(sources, preprocessor_url)
            missing = _without(sources, {*failures, *unchanged})
            jobs = latest_jobs(self._workspace, self._stem) if missing and not again else {}
            found = self._earlier(jobs, missing, preprocessor_url, reported)
            step.detail = f"{len(unchanged)} unchanged, {len(found)} trained by an earlier run"
        to_train = _without(missing, found)
        job: str | None = None
        billable = 0
        if to_train:
            self._upload(to_train)
            with self._step("train all cities in one job") as step:
                under_way = {name for name, state in jobs.items() if not state.is_final}
                job, billable = self._train(to_train, preprocessor_url, under_way)
                trained = _spooled(reports_of(self._workspace, job), reported)
                step.detail = f"{len(trained)} cities, {billable} billable seconds"
            lost = sorted(set(to_train) - trained)
            failures |= dict.fromkeys(lost, f"job {job} says nothing of it")
        with self._step("judge and publish the models") as step:
            for each in reported:
                if each.error:
                    failures[each.city] = _in_the_users_words(each.error, sources[each.city])
            candidates = (
                replace(
                    candidate_of(each, source.city, source.fingerprint, preprocessor_url),
                    name=source.title,
                )
                for each in reported
                if not each.error and (source := sources.get(each.city)) is not None
            )
            publications = self._publish(candidates, force=force)
            step.detail = f"{len(publications)} models"
        return FleetRun(preprocessor_url, publications, tuple(unchanged), failures, job, billable)

    def _too_small(self, sources: Mapping[str, Source]) -> Iterator[tuple[str, str]]:
        """Cities whose rows are too few, as far as that can be seen before they are uploaded."""
        if self._recipe.solver != "linear-learner":
            return
        needed = int(self._recipe.hyperparameters["mini_batch_size"])
        for city, each in sources.items():
            if each.read is None:
                continue
            rows = count_rows(each.read())
            trained = len(
                split_rows(rows, self._recipe.test_share, self._recipe.validation_share)[0]
            )
            if trained < needed:
                yield (
                    city,
                    f"{each.name}: {rows} rows, of which {trained} train; mini_batch_size "
                    f"{needed} must not be greater (--hyperparameter mini_batch_size={trained})",
                )

    def _unchanged(self, sources: Mapping[str, Source], preprocessor_url: str) -> tuple[str, ...]:
        unchanged = (
            source.city
            for city in self._workspace.registry.each_city()
            if (source := sources.get(city.city)) is not None
            and (trained := city.trained) is not None
            and trained.data_digest == source.fingerprint
            and trained.hyperparameters_digest == self._recipe.digest
            and trained.preprocessor_url == preprocessor_url
        )
        return tuple(sorted(unchanged))

    def _earlier(
        self,
        jobs: Mapping[str, JobState],
        sources: Mapping[str, Source],
        url: str,
        reported: Spool[Reported],
    ) -> set[str]:
        """Note what earlier jobs have trained and nobody published; which cities these are."""
        if not jobs:
            return set()
        serving = comparable(self._workspace.registry.each_of(sources), url)
        earlier = earlier_reports(self._workspace, jobs, sources, self._recipe.digest, url, serving)
        return _spooled(earlier, reported)

    def _upload(self, sources: Mapping[str, Source]) -> None:
        local = [each for each in sources.values() if each.read is not None]
        if not local:
            return

        def put(each: Source) -> None:
            if each.read is not None:
                self._workspace.write(each.key, each.read())

        with self._step("upload the rows") as step, ThreadPoolExecutor(S3_THREADS) as threads:
            list(threads.map(put, local))  # so that the first error is raised here
            step.detail = f"{len(local)} cities, {sum(each.size for each in local):,} bytes"

    def _train(
        self, sources: Mapping[str, Source], preprocessor_url: str, under_way: Collection[str]
    ) -> tuple[str, int]:
        """Run the job, or wait for one ``under_way``; its name and billable seconds.

        Raises
        ------
        FleetError
            The job failed.
        """
        request = self._request(sources, preprocessor_url)
        job = Job("fleet", self._stem, request)
        runner = JobRunner(TrainingJobs(self._workspace.sagemaker), report=self._report)
        # Of one that had ended before, what it trained of these was found.
        [result] = runner.run(
            [job], is_usable=lambda state: state.description["TrainingJobName"] in under_way
        )
        if result.state.status is Status.FAILED:
            raise FleetError(f"job {result.name} failed: {result.state.failure_reason}")
        billable = result.state.description.get("BillableTimeInSeconds", 0)
        return result.name, billable * self._cluster.instance_count

    def _request(self, sources: Mapping[str, Source], preprocessor_url: str) -> dict[str, Any]:
        fingerprints = sorted((each.city, each.fingerprint) for each in sources.values())
        return job_request(
            self._workspace,
            f"{RUNS}{digest(json.dumps(fingerprints).encode())}/",
            [InputFile(s.city, s.key, s.fingerprint, s.size) for s in sources.values()],
            image=scikit_learn_image(self._workspace.region),
            preprocessor_url=preprocessor_url,
            recipe=self._recipe,
            cluster=self._cluster,
        )

    def _publish(self, candidates: Iterable[Candidate], *, force: bool) -> Spool[Publication]:
        workspace = self._workspace
        publisher = Publisher(
            workspace.registry, workspace.s3, workspace.bucket, workspace.rules, force=force
        )
        publications: Spool[Publication] = Spool()
        for some in chunks(candidates, PUBLISHED_AT_ONCE):
            publications.extend(publisher.publish(some))
        return publications


def _check(recipe: Recipe) -> None:
    """What the job would refuse is refused before it costs anything.

    Raises
    ------
    FleetError
        It would be refused.
    """
    try:
        parameters = Hyperparameters.parse(recipe.hyperparameters)
    except HyperparameterError as error:
        raise FleetError(str(error)) from None
    if recipe.solver == "exact" and parameters.loss_function not in EXACT_LOSSES:
        raise FleetError(
            f"the solver exact does not minimise {parameters.loss_function}; "
            f"allowed are {', '.join(EXACT_LOSSES)} (--hyperparameter loss=...)"
        )


def _spooled(reports: Iterable[Reported], reported: Spool[Reported]) -> set[str]:
    """Note reports, as they come; the cities that they are of."""
    cities = set()
    for each in reports:
        reported.append(each)
        cities.add(each.city)
    return cities


def _in_the_users_words(error: str, source: Source) -> str:
    """With the user's own file named in place of the job's."""
    return error.replace(f"{source.city}.csv", source.name, 1)


def _without(values: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}

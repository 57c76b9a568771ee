"""One training run: from rows to published models."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from fleet.console import Console
from fleet.errors import HousingError
from fleet.project import SCHEMA_FILE, project_schema
from fleet.publishing import Publication, Publisher, summary
from fleet.words import counted, plural
from training.dataset import Dataset
from training.entities import EntityTables
from training.evaluation import candidates_of_jobs
from training.job import JobResult
from training.job_reporter import JobReporter
from training.pipeline import Pipeline, Settings
from training.publish import (
    current_preprocessor,
    publish_preprocessor,
    read_artifact_schema,
    store_preprocessor,
)
from training.workspace import Workspace


@dataclass(frozen=True)
class Training:
    """What a run trained, and what became of each city's model."""

    dataset: Dataset
    preprocessor_url: str
    preprocessor_is_new: bool
    jobs: Mapping[str, JobResult]
    publications: Mapping[str, Publication]
    unmeasured: Mapping[str, str]
    """Why a model that was trained could not be judged, by city."""

    @property
    def models(self) -> dict[str, str]:
        """The target model of each city whose model serves, new or as before."""
        targets = {city: each.target_model for city, each in self.publications.items()}
        return {city: target for city, target in targets.items() if target is not None}

    @property
    def failures(self) -> dict[str, str]:
        """The reason of each city whose model does not serve."""
        failed = {
            city: f"{result.state.status}: {result.state.failure_reason}"
            for city, result in self.jobs.items()
            if not result.succeeded
        }
        refused = {city: each.failure for city, each in self.publications.items()}
        refusals = {city: reason for city, reason in refused.items() if reason is not None}
        return {**failed, **self.unmeasured, **refusals}


def train_and_publish(
    workspace: Workspace,
    rows: EntityTables,
    settings: Settings,
    console: Console,
    *,
    preprocessor_url: str | None = None,
    force: bool = False,
) -> Training:
    """All steps from rows to published models.

    With ``preprocessor_url`` that preprocessor is used as it is; otherwise one is fitted on these
    rows and published. With ``force`` models serve that the gate refuses.
    """
    pipeline = Pipeline(workspace, settings, JobReporter(console))
    tables = rows.tables
    schema = next(iter(tables.values())).schema
    with console.step(f"upload the {schema.row}s") as step:
        dataset = pipeline.upload(tables)
        total = sum(map(len, tables.values()))
        step.detail = f"{total:,} {schema.row}s of {counted(len(tables), schema.entity)}"
    url = preprocessor_url
    if url is None:
        with console.step(f"fit the preprocessor on all {plural(schema.entity)}"):
            artifact = pipeline.fit_preprocessor(dataset)
            url = store_preprocessor(workspace.s3, workspace.bucket, artifact)
    with console.step(f"transform the {schema.row}s into features"):
        files = pipeline.transform(dataset, url)
    with console.step(f"train one model per {schema.entity}") as step:
        jobs = pipeline.train_cities(dataset, files)
        succeeded = {city: job for city, job in jobs.items() if job.succeeded}
        step.detail = f"{len(succeeded)} of {len(jobs)}, {settings.max_in_flight} at a time"
    with console.step("judge and publish the models") as step:
        candidates, unmeasured = candidates_of_jobs(
            workspace,
            jobs,
            files,
            dataset.train,
            workspace.registry.some_cities(succeeded),
            preprocessor_url=url,
        )
        publisher = Publisher(
            workspace.registry, workspace.s3, workspace.bucket, workspace.rules, force=force
        )
        named = [replace(each, name=rows.names.get(each.city, "")) for each in candidates]
        publications = {each.city: each for each in publisher.publish(named)}
        step.detail = summary(publications.values())
    is_new = _publish_preprocessor(workspace, url, jobs)
    return Training(dataset, url, is_new, jobs, publications, unmeasured)


def _publish_preprocessor(workspace: Workspace, url: str, jobs: Mapping[str, JobResult]) -> bool:
    """Last, and not where it would replace another without models for it of all cities."""
    current = current_preprocessor(workspace.ssm, workspace.parameter)
    if current is not None and not all(job.succeeded for job in jobs.values()):
        return False
    return publish_preprocessor(workspace.ssm, workspace.parameter, url)


def published_preprocessor(workspace: Workspace, *, any_columns: bool = False) -> str | None:
    """The URL of the published preprocessor, if it is still in the bucket.

    Raises
    ------
    HousingError
        It was fitted for other columns than the project's, unless ``any_columns`` may be.
    """
    url = current_preprocessor(workspace.ssm, workspace.parameter)
    if not url or not workspace.keys(workspace.key_of(url)):
        return None
    if any_columns:
        return url
    fitted_for = read_artifact_schema(workspace.read(workspace.key_of(url)))
    schema = project_schema()
    if fitted_for is not None and fitted_for.columns != schema.columns:
        differing = set(fitted_for.columns) ^ set(schema.columns)
        names = ", ".join(sorted({column.name for column in differing})[:8]) or "their order"
        raise HousingError(
            f"stage {workspace.stage} serves models of other columns (differing: {names}). "
            f"A stage has one {SCHEMA_FILE}: use another --stage, or train all "
            f"{plural(schema.entity)} anew with --refit-preprocessor"
        )
    return url

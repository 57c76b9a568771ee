"""One training run: from houses to published models."""

from collections.abc import Mapping
from dataclasses import dataclass

from fleet.console import Console
from scripts.job_reporter import JobReporter
from training.houses import Houses
from training.job import JobResult
from training.pipeline import Dataset, Pipeline, Settings
from training.publish import (
    PublishedModel,
    current_preprocessor,
    publish_model,
    publish_preprocessor,
    store_preprocessor,
)
from training.workspace import Workspace

VALIDATION_LOSS = "validation:absolute_loss"


@dataclass(frozen=True)
class Training:
    """What a run trained and published; ``models`` lacks the cities that failed."""

    dataset: Dataset
    preprocessor_url: str
    preprocessor_is_new: bool
    jobs: Mapping[str, JobResult]
    models: Mapping[str, PublishedModel]

    @property
    def failures(self) -> dict[str, str]:
        """The reason of each city that failed."""
        return {
            city: f"{result.state.status}: {result.state.failure_reason}"
            for city, result in self.jobs.items()
            if not result.succeeded
        }

    def validation_loss(self, city: str) -> float | None:
        """Mean absolute error on the validation rows, in dollars."""
        metrics = self.jobs[city].state.description.get("FinalMetricDataList", [])
        return next((m["Value"] for m in metrics if m["MetricName"] == VALIDATION_LOSS), None)


def train_and_publish(
    workspace: Workspace,
    houses: Mapping[str, Houses],
    settings: Settings,
    console: Console,
    *,
    preprocessor_url: str | None = None,
) -> Training:
    """All steps from houses to published models.

    With ``preprocessor_url`` that preprocessor is used as it is; otherwise one is fitted on these
    houses and published.
    """
    pipeline = Pipeline(workspace, settings, JobReporter(console))
    with console.step("upload the houses") as step:
        dataset = pipeline.upload_houses(houses)
        step.detail = f"{sum(map(len, houses.values())):,} houses of {len(houses)} cities"
    url = preprocessor_url
    if url is None:
        with console.step("fit the preprocessor on all cities"):
            artifact = pipeline.fit_preprocessor(dataset)
            url = store_preprocessor(workspace.s3, workspace.bucket, artifact)
    with console.step("transform the houses into features"):
        files = pipeline.transform(dataset, url)
    with console.step("train one model per city") as step:
        jobs = pipeline.train_cities(files)
        succeeded = {city: job for city, job in jobs.items() if job.succeeded}
        step.detail = f"{len(succeeded)} of {len(jobs)}, {settings.max_in_flight} at a time"
    with console.step("publish the models") as step:
        models = {
            city: publish_model(
                workspace.s3,
                workspace.bucket,
                city,
                pipeline.artifact(job),
                preprocessor_url=url,
            )
            for city, job in succeeded.items()
        }
        new = sum(model.is_new for model in models.values())
        step.detail = f"{new} new, {len(models) - new} as before"
    return Training(dataset, url, _publish_preprocessor(workspace, url, jobs), jobs, models)


def _publish_preprocessor(workspace: Workspace, url: str, jobs: Mapping[str, JobResult]) -> bool:
    """Last, and not where it would replace another without models for it of all cities."""
    current = current_preprocessor(workspace.ssm, workspace.parameter)
    if current is not None and not all(job.succeeded for job in jobs.values()):
        return False
    return publish_preprocessor(workspace.ssm, workspace.parameter, url)


def published_preprocessor(workspace: Workspace) -> str | None:
    """The URL of the published preprocessor, if it is still in the bucket."""
    url = current_preprocessor(workspace.ssm, workspace.parameter)
    return url if url and workspace.keys(workspace.key_of(url)) else None

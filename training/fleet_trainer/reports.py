"""What jobs that trained a fleet have left: a line a city, and the artifacts."""

import json
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from fleet.names import Prefix
from fleet.versions import Candidate
from training.job import JobState, Status
from training.job_services import TrainingJobs
from training.workspace import Workspace

if TYPE_CHECKING:
    from training.fleet_trainer.sources import Source

MANIFEST, FINGERPRINTS = "cities.manifest", "cities.json"
"""The files of a job's cities, and what they held: side by side."""
READ_BYTES = 1 << 16
LATEST_JOBS = 5
LONGEST_STOP = 300
"""Seconds; SageMaker lets a job that is stopped write for two minutes."""


@dataclass(frozen=True)
class Reported:
    """A city's line of a job's report, and the key at which the job left its artifact."""

    line: Mapping[str, Any]
    key: str
    job: str

    @property
    def city(self) -> str:
        """Whose line it is."""
        return str(self.line["city"])

    @property
    def error(self) -> str | None:
        """Why the city was not trained."""
        return self.line.get("error")


def candidate_of(
    reported: Reported, city: str, fingerprint: str, preprocessor_url: str
) -> Candidate:
    """What a job trained for a city, of rows with this fingerprint, as the registry records it."""
    line = reported.line
    return Candidate(
        city=city,
        artifact_key=reported.key,
        artifact_digest=line["artifact"]["sha256"],
        artifact_bytes=line["artifact"]["bytes"],
        job=reported.job,
        preprocessor_url=preprocessor_url,
        data_digest=fingerprint,
        hyperparameters_digest=line["hyperparameters_digest"],
        train_rows=line["rows"]["train"],
        validation_rows=line["rows"]["validation"],
        metrics=line["metrics"],
        baselines=line["baselines"],
        columns=line["columns"],
        compared_with=line.get("compared_with", ""),
    )


def reports_of(workspace: Workspace, job: str) -> Iterator[Reported]:
    """What a job says of each city, host after host: as many lines as there are cities."""
    prefix = _models(job)
    for key in workspace.keys(f"{prefix}reports/"):
        body = workspace.s3.get_object(Bucket=workspace.bucket, Key=key)["Body"]
        for text in body.iter_lines(READ_BYTES):
            line = json.loads(text)
            yield Reported(line, f"{prefix}{line['city']}.tar.gz", job)


def latest_jobs(workspace: Workspace, stem: str) -> dict[str, JobState]:
    """The states of the latest jobs whose names begin so; one that is being stopped has stopped."""
    answer = workspace.sagemaker.list_training_jobs(
        NameContains=stem, SortBy="CreationTime", SortOrder="Descending", MaxResults=LATEST_JOBS
    )
    names = [summary["TrainingJobName"] for summary in answer["TrainingJobSummaries"]]
    states = {name: _settled(TrainingJobs(workspace.sagemaker), name) for name in names}
    return {name: state for name, state in states.items() if state is not None}


def earlier_reports(
    workspace: Workspace,
    jobs: Mapping[str, JobState],
    sources: Mapping[str, "Source"],
    recipe_digest: str,
    preprocessor_url: str,
    serving: Mapping[str, str],
) -> Iterator[Reported]:
    """What those of the ``jobs`` that have ended trained of the same rows in the same way.

    Those that were stopped count, too; artifacts that have expired do not, nor do those that were
    compared with another target model than ``serving`` has for the city now.
    """
    found: set[str] = set()
    for name, state in jobs.items():
        if len(found) == len(sources) or not state.is_final:
            continue
        for each in _of_these(workspace, name, state, sources, found):
            digests = each.line["hyperparameters_digest"], each.line["preprocessor_url"]
            compared = each.error or each.line.get("compared_with") == serving.get(each.city)
            if digests == (recipe_digest, preprocessor_url) and compared:
                found.add(each.city)
                yield each


def _settled(service: TrainingJobs, name: str) -> JobState | None:
    """The state of a job; one that is being stopped still writes."""
    until = time.monotonic() + LONGEST_STOP
    while (state := service.describe(name)) and state.status is Status.STOPPING:
        if time.monotonic() > until:
            break
        time.sleep(1)
    return state


def _of_these(
    workspace: Workspace,
    job: str,
    state: JobState,
    sources: Mapping[str, "Source"],
    found: Collection[str],
) -> Iterator[Reported]:
    """What a job says of the sources that it read as they are now, but for what was found."""
    channels = state.description["InputDataConfig"]
    manifest = workspace.key_of(channels[0]["DataSource"]["S3DataSource"]["S3Uri"])
    try:
        read = workspace.read(manifest.removesuffix(MANIFEST) + FINGERPRINTS)
    except ClientError:
        return  # It has expired, and so has what the job wrote.
    fingerprints = json.loads(read)
    same = {
        city
        for city, each in sources.items()
        if city not in found and fingerprints.get(city) == each.fingerprint
    }
    if not same:
        return
    there = set(workspace.keys(_models(job)))
    for each in reports_of(workspace, job):
        if each.city in same and (each.error or each.key in there):
            yield each


def _models(job: str) -> str:
    return f"{Prefix.JOBS}{job}/output/model/"

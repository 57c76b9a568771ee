"""The steps of a retraining run that are not a job: what arrived, and what comes of it.

The state machine of the retraining stack calls ``handler`` before and after the job that trains all
cities that arrived. Gate, registry and publishing are those of ``housing train``.

``incoming/<City>.csv`` is moved to ``raw/<digest>/<City>.csv``, which the job reads, and deleted
from ``incoming/`` once its model is judged, unless a newer file has come meanwhile. Versions beyond
those that the config keeps are deleted last.
"""

import json
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from fleet.errors import HousingError
from fleet.gate import GateRules
from fleet.gate_report import GateReport
from fleet.names import PROJECT, EntityNameError, Prefix, check_entity
from fleet.publishing import Publisher, summary
from training.fleet_trainer.inputs import InputFile, job_request
from training.fleet_trainer.recipe import ETAG, LINEAR_LEARNER_DEFAULTS, Recipe, digest
from training.fleet_trainer.reports import FINGERPRINTS, candidate_of, reports_of
from training.fleet_trainer.request import Cluster
from training.publish import current_preprocessor
from training.workspace import Workspace

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

THREADS = 16
SHOWN = 20
"""Cities that a message names; the report has all."""
MOST_CITIES = 10_000
"""Of one run; what arrives beyond it is the next run's."""


class RetrainingError(HousingError):
    """A run cannot begin; one line."""


@dataclass(frozen=True)
class Arrival:
    """A city's file below ``incoming/``."""

    city: str
    key: str
    etag: str
    size: int

    @property
    def raw_key(self) -> str:
        """Where the job reads it: another key for other bytes."""
        return f"{Prefix.RAW}{digest(self.etag.encode())}/{self.city}.csv"


@dataclass(frozen=True)
class Retraining:
    """One stage's retraining; ``image`` is what the job runs."""

    workspace: Workspace
    image: str
    cluster: Cluster
    recipe: Recipe
    keep_versions: int

    def arrivals(self) -> list[Arrival]:
        """The files of cities that may be trained; a file of another name is none."""
        found = list(_arrivals(self.workspace.s3, self.workspace.bucket))
        known = self.workspace.registry.some_cities(arrival.city for arrival in found)
        return [
            arrival
            for arrival in found
            if arrival.city not in known or not known[arrival.city].forgotten
        ][:MOST_CITIES]

    def collect(self, run: str) -> dict[str, Any]:
        """Move what arrived to where the job reads it; the job's request.

        Raises
        ------
        RetrainingError
            No preprocessor is published.
        """
        workspace = self.workspace
        arrivals = self.arrivals()
        if not arrivals:
            return {"cities": 0}
        url = current_preprocessor(workspace.ssm, workspace.parameter)
        if url is None:
            raise RetrainingError(
                f"no preprocessor is published in {workspace.parameter}; run: housing train"
            )
        with ThreadPoolExecutor(THREADS) as threads:
            copied = list(threads.map(self._copy, arrivals))
        there = [arrival for arrival, is_there in zip(arrivals, copied, strict=True) if is_there]
        folder = f"{Prefix.JOBS}retraining/{run}/"
        request = job_request(
            workspace,
            folder,
            [InputFile(a.city, a.raw_key, f"{ETAG}{a.etag}", a.size) for a in there],
            image=self.image,
            preprocessor_url=url,
            recipe=self.recipe,
            cluster=self.cluster,
        )
        job = f"{PROJECT}-{workspace.stage}-retraining-{run}"[:63]
        return {"cities": len(there), "request": {"TrainingJobName": job, **request}}

    def publish(self, run: str, job: str, preprocessor_url: str) -> dict[str, Any]:
        """Judge and publish what the job trained, and clear ``incoming/``; what there is to say."""
        workspace = self.workspace
        folder = f"{Prefix.JOBS}retraining/{run}/"
        arrived: dict[str, str] = json.loads(workspace.read(folder + FINGERPRINTS))
        reported = {each.city: each for each in reports_of(workspace, job)}
        failures = {
            city: reported[city].error or "" if city in reported else "the job says nothing of it"
            for city in arrived
            if city not in reported or reported[city].error
        }
        candidates = [
            candidate_of(each, city, arrived[city], preprocessor_url)
            for city, each in sorted(reported.items())
            if city in arrived and city not in failures
        ]
        publisher = Publisher(workspace.registry, workspace.s3, workspace.bucket, workspace.rules)
        publications = publisher.publish(candidates)
        report = GateReport(workspace.stage, publications, dict(failures), job=job)
        workspace.write(f"{folder}report.json", report.as_json().encode())
        workspace.write(f"{folder}report.html", report.as_html().encode())
        failures |= {each.city: each.failure for each in publications if each.failure}
        with ThreadPoolExecutor(THREADS) as threads:
            list(threads.map(self._clear, arrived.items()))
        publisher.expire(arrived, self.keep_versions)
        lines = [f"{city}: {reason}" for city, reason in sorted(failures.items())]
        more = [f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
        return {
            "cities": len(arrived),
            "failed": len(failures),
            "report": workspace.url(f"{folder}report.html"),
            "subject": f"{workspace.stage}: {len(arrived)} retrained, {len(failures)} not served",
            "message": "\n".join([summary(publications), *lines[:SHOWN], *more]),
        }

    def _copy(self, arrival: Arrival) -> bool:
        """Copy a file as it was listed; False where another has taken its place, a later run's.

        Raises
        ------
        ClientError
            S3 refuses.
        """
        workspace = self.workspace
        try:
            workspace.s3.copy_object(
                Bucket=workspace.bucket,
                Key=arrival.raw_key,
                CopySource={"Bucket": workspace.bucket, "Key": arrival.key},
                CopySourceIfMatch=arrival.etag,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in ("PreconditionFailed", "NoSuchKey", "404"):
                return False
            raise
        return True

    def _clear(self, arrived: tuple[str, str]) -> None:
        city, etag = arrived[0], arrived[1].removeprefix(ETAG)
        workspace = self.workspace
        key = f"{Prefix.INCOMING}{city}.csv"
        try:
            if workspace.s3.head_object(Bucket=workspace.bucket, Key=key)["ETag"] == f'"{etag}"':
                workspace.s3.delete_object(Bucket=workspace.bucket, Key=key, IfMatch=f'"{etag}"')
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("PreconditionFailed", "NoSuchKey", "404"):
                raise


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """The Lambda function of the retraining stack; ``event["step"]`` says which step.

    Raises
    ------
    RetrainingError
        There is no such step.
    """
    retraining = _from_environment(os.environ)
    match event["step"]:
        case "look":
            return {"cities": len(retraining.arrivals())}
        case "collect":
            return retraining.collect(event["run"])
        case "publish":
            url = json.loads(event["request"]["HyperParameters"]["preprocessor_url"])
            return retraining.publish(event["run"], event["request"]["TrainingJobName"], url)
    raise RetrainingError(f"there is no step {event['step']!r}; look, collect, publish")


def _from_environment(environment: Mapping[str, str]) -> Retraining:
    """What the stack wrote into the function's environment."""
    import boto3

    workspace = Workspace.create(
        boto3.Session(),
        stage=environment["STAGE"],
        bucket=environment["BUCKET"],
        role_arn=environment["TRAINING_ROLE_ARN"],
        parameter=environment["PREPROCESSOR_PARAMETER"],
        registry_table=environment["REGISTRY_TABLE"],
        rules=GateRules(**json.loads(environment["GATE"])),
        key_arn=environment["KEY_ARN"],
    )
    cluster = Cluster(environment["INSTANCE_TYPE"], int(environment["INSTANCE_COUNT"]))
    hyperparameters = {
        **json.loads(environment["SCHEMA_HYPERPARAMETERS"]),
        **LINEAR_LEARNER_DEFAULTS,
    }
    recipe = Recipe(hyperparameters)
    keep = int(environment["KEEP_VERSIONS"])
    return Retraining(workspace, environment["IMAGE"], cluster, recipe, keep)


def _arrivals(s3: "S3Client", bucket: str) -> Iterator[Arrival]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=Prefix.INCOMING)
    for page in pages:
        for item in page.get("Contents", ()):
            city = item["Key"].removeprefix(Prefix.INCOMING).removesuffix(".csv")
            try:
                check_entity(city)
            except EntityNameError:
                continue
            if item["Key"].endswith(".csv"):
                yield Arrival(city, item["Key"], item["ETag"].strip('"'), item["Size"])

"""What a trained model is worth on validation rows, beside baselines and beside what serves."""

import hashlib
import json
import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError

from fleet.drift import describe_columns
from fleet.names import Prefix
from fleet.versions import Candidate, City
from training.dataset import CityFiles
from training.fleet_trainer.inputs import comparable
from training.fleet_trainer.measures import baselines, error_of, signal_of
from training.job import JobResult
from training.linear_learner.artifact import read_artifact_bytes
from training.linear_learner.model import PredictorType
from training.linear_learner.wire.training_data import read_training_csv
from training.table import Table, columns_of
from training.workspace import Workspace

THREADS = 16


def candidates_of_jobs(
    workspace: Workspace,
    jobs: Mapping[str, JobResult],
    files: Mapping[str, CityFiles],
    tables: Mapping[str, Table],
    serving: Mapping[str, City],
    preprocessor_url: str,
) -> tuple[list[Candidate], dict[str, str]]:
    """What the completed jobs of cities left, measured on each city's validation rows.

    Beside them, by city, why one could not be measured: that stops no other.
    """

    def candidate(city: str) -> Candidate | str:
        try:
            return candidate_of_job(
                workspace,
                jobs[city],
                files[city],
                serving=serving.get(city),
                columns=describe_columns(columns_of(tables[city])),
                preprocessor_url=preprocessor_url,
            )
        except ClientError as error:
            return f"what job {jobs[city].name} left cannot be read: {error}"

    cities = [city for city in jobs if jobs[city].succeeded]
    with ThreadPoolExecutor(THREADS) as threads:
        found = dict(zip(cities, threads.map(candidate, cities), strict=True))
    candidates = [each for each in found.values() if isinstance(each, Candidate)]
    return candidates, {city: why for city, why in found.items() if isinstance(why, str)}


def candidate_of_job(
    workspace: Workspace,
    result: JobResult,
    files: CityFiles,
    *,
    serving: City | None,
    columns: Mapping[str, Any],
    preprocessor_url: str,
) -> Candidate:
    """What one completed job left; ``serving`` is the city's item in the registry."""
    url = result.state.description["ModelArtifacts"]["S3ModelArtifacts"]
    key = workspace.key_of(url)
    artifact = workspace.read(key)
    train = workspace.read(workspace.key_of(files.train_url))
    validation = workspace.read(workspace.key_of(files.validation_url))
    train_rows = read_training_csv(train, files.train_url)
    validation_rows = read_training_csv(validation, files.validation_url)
    metrics = {"mae": error_of(artifact, validation_rows)}
    if math.isfinite(metrics["mae"]):
        metrics["signal"] = signal_of(read_artifact_bytes(artifact), validation_rows)
    known = [] if serving is None else [serving]
    compared_with = comparable(known, preprocessor_url).get(result.job.label, "")
    served = _model(workspace, compared_with) if compared_with else None
    if served is None:
        compared_with = ""
    else:
        metrics["serving_mae"] = error_of(served, validation_rows)
    hyperparameters = result.job.request["HyperParameters"]
    return Candidate(
        city=result.job.label,
        artifact_key=key,
        artifact_digest=hashlib.sha256(artifact).hexdigest(),
        artifact_bytes=len(artifact),
        job=result.name,
        preprocessor_url=preprocessor_url,
        data_digest=hashlib.sha256(train + b"\0" + validation).hexdigest()[:16],
        hyperparameters_digest=_digest(hyperparameters),
        train_rows=len(train_rows.labels),
        validation_rows=len(validation_rows.labels),
        metrics=metrics,
        baselines=baselines(
            train_rows, validation_rows, PredictorType(hyperparameters["predictor_type"])
        ),
        columns=columns,
        compared_with=compared_with,
    )


def _model(workspace: Workspace, target_model: str) -> bytes | None:
    """A model that serves; None where somebody took it out of the bucket: nothing compares."""
    try:
        return workspace.read(Prefix.MODELS + target_model)
    except workspace.s3.exceptions.NoSuchKey:
        return None


def _digest(values: Mapping[str, str]) -> str:
    text = json.dumps(dict(values), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]

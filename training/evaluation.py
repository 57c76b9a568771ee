"""What a trained model is worth on validation rows, beside baselines and beside what serves."""

import hashlib
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet.drift import describe_columns
from fleet.versions import Candidate, City
from training.houses import FEATURE_COLUMNS, Houses
from training.job import JobResult
from training.linear_learner.artifact import ArtifactError, read_artifact_bytes
from training.linear_learner.model import Dataset
from training.linear_learner.predictor import FeatureDimensionError, predict
from training.linear_learner.wire.training_data import read_training_csv
from training.pipeline import CityFiles
from training.workspace import Workspace

THREADS = 16


def candidates_of_jobs(
    workspace: Workspace,
    jobs: Mapping[str, JobResult],
    files: Mapping[str, CityFiles],
    houses: Mapping[str, Houses],
    serving: Mapping[str, City],
    preprocessor_url: str,
) -> list[Candidate]:
    """What the completed jobs of cities left, measured on each city's validation rows."""

    def candidate(city: str) -> Candidate:
        return candidate_of_job(
            workspace,
            jobs[city],
            files[city],
            serving=serving.get(city),
            columns=describe_columns(columns_of(houses[city])),
            preprocessor_url=preprocessor_url,
        )

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(candidate, [city for city in jobs if jobs[city].succeeded]))


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
    if serving is not None and serving.target_model is not None:
        served = workspace.read(f"models/{serving.target_model}")
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
        baselines=baselines(train_rows, validation_rows),
        columns=columns,
    )


def columns_of(houses: Houses) -> dict[str, list[float] | list[str]]:
    """The columns of houses by name: numbers, and y or n."""
    rows = [line.split(",") for line in houses.without_price().to_csv().splitlines()]
    columns = dict(zip(FEATURE_COLUMNS, zip(*rows, strict=True), strict=True))
    return {
        name: list(texts) if texts[0] in ("y", "n") else [float(text) for text in texts]
        for name, texts in columns.items()
    }


def error_of(artifact: bytes, rows: Dataset) -> float:
    """Mean absolute error in dollars; infinite for a model that cannot score the rows."""
    try:
        scores = predict(read_artifact_bytes(artifact), rows.features).scores
    except (ArtifactError, FeatureDimensionError):
        return float("inf")
    return _mean_absolute_error(scores.astype(np.float64), rows)


def baselines(train: Dataset, validation: Dataset) -> dict[str, float]:
    """Errors on ``validation`` of the median price and of the least-squares fit of ``train``."""
    labels = train.labels.astype(np.float64)
    median = np.full(len(validation.labels), np.median(labels))
    design = _with_intercept(train)
    weights = np.linalg.lstsq(design, labels, rcond=None)[0]
    return {
        "median_mae": _mean_absolute_error(median, validation),
        "least_squares_mae": _mean_absolute_error(
            _with_intercept(validation) @ weights, validation
        ),
    }


def _with_intercept(rows: Dataset) -> NDArray[np.float64]:
    features = rows.features.astype(np.float64)
    return np.column_stack([features, np.ones(len(features))])


def _mean_absolute_error(predicted: NDArray[np.float64], rows: Dataset) -> float:
    return float(np.abs(predicted - rows.labels.astype(np.float64)).mean())


def _digest(values: Mapping[str, str]) -> str:
    text = json.dumps(dict(values), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]

"""What a model is worth on validation rows, and what the simplest others are worth there."""

import numpy as np
from numpy.typing import NDArray

from training.linear_learner.artifact import ArtifactError, read_artifact_bytes
from training.linear_learner.model import Dataset, LinearModel, PredictorType
from training.linear_learner.predictor import FeatureDimensionError, margins, predict

Floats = NDArray[np.float64]


def error_of(artifact: bytes, rows: Dataset) -> float:
    """Mean absolute error in the label's unit, of a classifier the share of wrong classes.

    Infinite for a model that cannot score the rows.
    """
    try:
        predictions = predict(read_artifact_bytes(artifact), rows.features)
    except (ArtifactError, FeatureDimensionError):
        return float("inf")
    truth = rows.labels.astype(np.float64)
    if predictions.labels is not None:
        return float((predictions.labels != truth).mean())
    return float(np.abs(predictions.scores.astype(np.float64) - truth).mean())


def baselines(
    train: Dataset,
    validation: Dataset,
    predictor_type: PredictorType = PredictorType.REGRESSOR,
) -> dict[str, float]:
    """Errors on ``validation`` of the median label and of the least-squares fit of ``train``.

    Of classes: the shares that the most frequent one gets wrong, and the fit of each class against
    the others.
    """
    if predictor_type is not PredictorType.REGRESSOR:
        return _class_baselines(train, validation)
    labels, truth = train.labels.astype(np.float64), validation.labels.astype(np.float64)
    design = _with_intercept(train)
    # By the normal equations, and of the smallest norm: one-hot columns add up to one.
    weights = np.linalg.pinv(design.T @ design, hermitian=True) @ (design.T @ labels)
    fitted = _with_intercept(validation) @ weights
    return {
        "median_mae": float(np.abs(truth - np.median(labels)).mean()),
        "least_squares_mae": float(np.abs(truth - fitted).mean()),
    }


def _class_baselines(train: Dataset, validation: Dataset) -> dict[str, float]:
    classes = train.labels.astype(np.int64)
    truth = validation.labels.astype(np.int64)
    counts = np.bincount(classes)
    targets = np.eye(len(counts))[classes]
    design = _with_intercept(train)
    weights = np.linalg.pinv(design.T @ design, hermitian=True) @ (design.T @ targets)
    fitted = (_with_intercept(validation) @ weights).argmax(axis=1)
    return {
        "median_mae": float((truth != counts.argmax()).mean()),
        "least_squares_mae": float((truth != fitted).mean()),
    }


def _with_intercept(rows: Dataset) -> Floats:
    design = np.ones((len(rows), rows.feature_dim + 1))
    design[:, :-1] = rows.features
    return design


def signal_of(model: LinearModel, rows: Dataset) -> float:
    """How many standard deviations the model's answers agree better with the labels than by chance.

    By chance is: with the same labels in any other order (Hoeffding, "A Combinatorial Central Limit
    Theorem", 1951, gives mean and variance over all orders). What agrees are ranks, so that neither
    a threshold that was tuned on these rows nor a few extreme rows count: for two classes it is
    the Mann-Whitney test of the scores, for a number Spearman's. It grows with the square root of
    the number of rows; of answers that are all alike it is 0.

    Raises
    ------
    FeatureDimensionError
        The rows are not as wide as the model.
    """
    answers = margins(model, rows.features).astype(np.float64)
    labels = rows.labels.astype(np.float64)[:, None]
    if model.predictor_type is PredictorType.MULTICLASS_CLASSIFIER:
        answers -= answers.mean(axis=1, keepdims=True)
        labels = (labels == np.arange(answers.shape[1])).astype(np.float64)
    a, b = _centred_ranks(answers), _centred_ranks(labels)
    variance = np.trace((a.T @ a) @ (b.T @ b)) / max(1, len(rows) - 1)
    return float(np.trace(a.T @ b) / np.sqrt(variance)) if variance > 0 else 0.0


def _centred_ranks(values: Floats) -> Floats:
    """The ranks in each column, equal values sharing theirs, around 0."""
    ranks = np.empty_like(values)
    for column, given in enumerate(values.T):
        _, position, counts = np.unique(given, return_inverse=True, return_counts=True)
        ranks[:, column] = (np.cumsum(counts) - counts / 2)[position]
    centred: Floats = ranks - len(values) / 2
    return centred

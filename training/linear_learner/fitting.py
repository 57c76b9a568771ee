"""The epochs of a training job: fits all candidates, and keeps the best of them."""

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.linear_learner.candidates import Candidate
from training.linear_learner.channels import TrainingError
from training.linear_learner.early_stopping import EarlyStopping
from training.linear_learner.hyperparameters import Hyperparameters, SelectionCriterion
from training.linear_learner.job_log import JobLog
from training.linear_learner.losses import Labels, LossFunction
from training.linear_learner.model import Float32Array, PredictorType
from training.linear_learner.parallel_models import ParallelModels
from training.linear_learner.thresholds import best_threshold

Values = NDArray[np.float64]
_MOST_REPEATED_LABELS = 1 << 20


@dataclass(frozen=True, eq=False)
class Rows:
    """Normalised features (n, d + 1), the last column ones, and labels shaped for the loss."""

    features: Float32Array
    labels: Labels


@dataclass(frozen=True, eq=False)
class Fitted:
    """The best model: normalised weights (d + 1, k), and which candidate and epoch it is from."""

    weights: Float32Array
    candidate: Candidate
    epoch: int


def fit(
    parameters: Hyperparameters,
    candidates: tuple[Candidate, ...],
    loss: LossFunction,
    train: Rows,
    validation: Rows | None,
    label_unit: float,
    log: JobLog,
) -> Fitted:
    """Trains until the epochs or the patience are over.

    The criterion is the loss on ``validation``, times ``label_unit`` to be in the label's own unit,
    or for a binary classifier what ``binary_classifier_model_selection_criteria`` names. Without
    ``validation`` it is the loss of the epoch's updates on ``train``.

    Raises:
        TrainingError: all candidates have diverged.
    """
    train = _with_labels_for_each_model(train, len(candidates))
    outputs = parameters.outputs
    models = ParallelModels(parameters, candidates, train.features.shape[1], outputs)
    sampled = validation is not None and _is_calibrated(parameters)
    criterion = f"{loss.metric}_objective"
    if sampled:
        criterion = f"sampled_{parameters.binary_classifier_model_selection_criteria}"
    stopping = EarlyStopping(
        parameters.early_stopping_patience, parameters.early_stopping_tolerance, sampled
    )
    for epoch in range(parameters.epochs):
        began = time.perf_counter()
        values = models.train_epoch(train.features, train.labels, loss)
        throughput = len(train.features) / (time.perf_counter() - began)
        log.objective("train", f"{loss.metric}_objective", epoch, float(values[0]))
        if validation is not None:
            values = models.mean_losses(validation.features, validation.labels, loss) * label_unit
            log.objective("validation", f"{loss.metric}_objective", epoch, float(values[0]))
            if sampled:
                values = _criterion_values(models, validation, parameters)
        index = _best(values, greatest=sampled)
        log.criterion(criterion, epoch, float(values[index]))
        if stopping.improves(float(values[index])):
            best = Fitted(models.weights_of(index), candidates[index], epoch)
            log.line(f"Epoch {epoch}: Loss improved. Updating best model")
        else:
            waited = stopping.epochs_without_improvement
            log.line(f"Epoch {epoch}: Loss has not improved for {waited} epochs.")
        log.progress(epoch, parameters.epochs, throughput)
        if stopping.is_over:
            break
    return best


def _with_labels_for_each_model(rows: Rows, models: int) -> Rows:
    """Small data sets only: labels as wide as the scores are subtracted four times as fast."""
    if rows.labels.ndim != 2 or len(rows.labels) * models > _MOST_REPEATED_LABELS:
        return rows
    return Rows(rows.features, np.repeat(rows.labels, models, axis=1))


def _best(values: Values, greatest: bool) -> int:
    """The first of the best; models that have diverged do not count.

    Raises:
        TrainingError: all have diverged.
    """
    ranked = np.where(np.isfinite(values), -values if greatest else values, np.inf)
    index = int(np.argmin(ranked))
    if ranked[index] == np.inf:
        raise TrainingError("Training diverged: no model has a finite loss. Lower learning_rate.")
    return index


def _is_calibrated(parameters: Hyperparameters) -> bool:
    return (
        parameters.predictor_type is PredictorType.BINARY_CLASSIFIER
        and parameters.binary_classifier_model_selection_criteria
        is not SelectionCriterion.LOSS_FUNCTION
    )


def _criterion_values(
    models: ParallelModels, validation: Rows, parameters: Hyperparameters
) -> Values:
    """The selection criterion of each model, at its best threshold."""
    rows = slice(parameters.num_calibration_samples)
    scores = models.scores(validation.features[rows])
    labels = validation.labels[rows, 0]
    return np.array(
        [best_threshold(column, labels, parameters).value for column in scores.T.copy()]
    )

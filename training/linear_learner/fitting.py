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


class Fitting:
    """Trains all candidates of one job.

    The criterion that selects a model and ends training is the loss on the validation data, in the
    label's own unit; for a binary classifier what ``binary_classifier_model_selection_criteria``
    names. Without validation data it is the loss of the epoch's updates.
    """

    def __init__(
        self,
        parameters: Hyperparameters,
        candidates: tuple[Candidate, ...],
        loss: LossFunction,
        log: JobLog,
    ) -> None:
        self._parameters = parameters
        self._candidates = candidates
        self._loss = loss
        self._objective = f"{loss.metric}_objective"
        self._log = log

    def run(self, train: Rows, validation: Rows | None) -> Fitted:
        """Trains until the epochs or the patience are over; the best model.

        Raises:
            TrainingError: all candidates have diverged.
        """
        parameters = self._parameters
        features = train.features.shape[1]
        models = ParallelModels(parameters, self._candidates, features, parameters.outputs)
        train = _with_labels_for_each_model(train, len(self._candidates))
        sampled = validation is not None and _is_calibrated(parameters)
        selection = parameters.binary_classifier_model_selection_criteria
        criterion = f"sampled_{selection}" if sampled else self._objective
        stopping = EarlyStopping(
            parameters.early_stopping_patience, parameters.early_stopping_tolerance, sampled
        )
        for epoch in range(parameters.epochs):
            began = time.perf_counter()
            values = self._train(models, train, epoch)
            throughput = len(train.features) / (time.perf_counter() - began)
            if validation is not None:
                values = self._validate(models, validation, epoch)
            index = _best(values, greatest=sampled)
            self._log.criterion(criterion, epoch, float(values[index]))
            if stopping.improves(float(values[index])):
                best = Fitted(models.weights_of(index), self._candidates[index], epoch)
            self._log.improvement(epoch, stopping.epochs_without_improvement)
            self._log.progress(epoch, parameters.epochs, throughput)
            if stopping.is_over:
                break
        return best

    def _train(self, models: ParallelModels, train: Rows, epoch: int) -> Values:
        losses = models.train_epoch(train.features, train.labels, self._loss)
        self._log.objective("train", self._objective, epoch, float(losses[0]))
        return losses

    def _validate(self, models: ParallelModels, validation: Rows, epoch: int) -> Values:
        losses = models.mean_losses(validation.features, validation.labels, self._loss)
        losses *= self._loss.unit
        self._log.objective("validation", self._objective, epoch, float(losses[0]))
        if not _is_calibrated(self._parameters):
            return losses
        values = _criterion_values(models, validation, self._parameters)
        return np.where(np.isfinite(losses), values, np.nan)


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

"""The epochs of training: fits all candidates of one or more data sets, keeps the best of each."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from training.linear_learner.candidates import Candidate
from training.linear_learner.hyperparameters import Hyperparameters, SelectionCriterion
from training.linear_learner.losses import Labels, LossFunction
from training.linear_learner.metrics import JobLog
from training.linear_learner.model import Float32Array, PredictorType
from training.linear_learner.parallel_models import ParallelModels
from training.linear_learner.thresholds import best_threshold


@dataclass
class EarlyStopping:
    """Follows the value of one criterion over the epochs.

    An epoch improves when its value is better than the best one by ``tolerance`` times that, at
    least. Training ends with the first epoch after ``patience`` that have not improved.
    """

    patience: int
    tolerance: float
    greater_is_better: bool = False
    best: float | None = None
    epochs_without_improvement: int = 0

    @classmethod
    def of(cls, parameters: Hyperparameters, greater_is_better: bool) -> Self:
        """By the hyperparameters."""
        patience, tolerance = (
            parameters.early_stopping_patience,
            parameters.early_stopping_tolerance,
        )
        return cls(patience, tolerance, greater_is_better)

    def improves(self, value: float) -> bool:
        """Takes the value of the next epoch."""
        if self._is_better(value):
            self.best, self.epochs_without_improvement = value, 0
            return True
        self.epochs_without_improvement += 1
        return False

    @property
    def is_over(self) -> bool:
        """Whether patience has run out."""
        return self.epochs_without_improvement > self.patience

    def _is_better(self, value: float) -> bool:
        if self.best is None:
            return True
        gain = value - self.best if self.greater_is_better else self.best - value
        return gain > 0 and gain >= self.tolerance * abs(self.best)


Array = NDArray[Any]
Values = NDArray[np.float64]
_MOST_REPEATED_LABELS = 1 << 20


@dataclass(frozen=True, eq=False)
class Rows:
    """Normalised features (n, d + 1), the last column ones, and labels shaped for the loss."""

    features: Float32Array
    labels: Labels


@dataclass(frozen=True, eq=False)
class Problem:
    """What one data set's models are fitted on; without ``validation``, selected on ``train``.

    ``unit`` is what a loss of its normalised labels is multiplied with to be in the label's unit.
    """

    train: Rows
    validation: Rows | None
    unit: float
    log: JobLog


@dataclass(frozen=True, eq=False)
class Fitted:
    """The best model: normalised weights (d + 1, k), and which candidate and epoch it is from."""

    weights: Float32Array
    candidate: Candidate
    epoch: int


class Fitting:
    """Trains all candidates of a stack of problems that need as many updates an epoch.

    The criterion that selects a model and ends training is the loss on the validation data, in the
    label's own unit; for a binary classifier what ``binary_classifier_model_selection_criteria``
    names. Without validation data it is the loss of the epoch's updates.
    """

    def __init__(
        self,
        parameters: Hyperparameters,
        candidates: tuple[Candidate, ...],
        loss: LossFunction,
        problems: Sequence[Problem],
    ) -> None:
        self._parameters = parameters
        self._candidates = candidates
        self._step = loss.step
        self._objective = f"{loss.metric}_objective"
        self._problems = problems
        self._sampled = problems[0].validation is not None and _is_calibrated(parameters)
        width = problems[0].train.features.shape[1]
        self._models = ParallelModels(parameters, candidates, len(problems), width)
        updated = len(problems[0].train.features) // parameters.mini_batch_size
        rows = slice(updated * parameters.mini_batch_size)
        self._features = _stacked([problem.train.features[rows] for problem in problems])
        self._labels = _stacked([problem.train.labels[rows] for problem in problems])
        if self._labels.ndim == 3 and self._labels.size * len(candidates) <= _MOST_REPEATED_LABELS:
            # As wide as the scores, they are subtracted four times as fast.
            self._labels = np.repeat(self._labels, len(candidates), axis=2)
        self._validation = [] if problems[0].validation is None else _of_equal_length(problems)

    def run(self) -> list[Fitted | None]:
        """Trains until the epochs or the patience are over.

        Returns the best model of each problem; None where all candidates have diverged.
        """
        members = [
            _Member(problem, EarlyStopping.of(self._parameters, self._sampled))
            for problem in self._problems
        ]
        for epoch in range(self._parameters.epochs):
            began = time.perf_counter()
            losses = {"train": self._models.train_epoch(self._features, self._labels, self._step)}
            throughput = self._features.shape[1] / (time.perf_counter() - began)
            if self._validation:
                losses["validation"] = self._validation_losses()
            values = losses.get("validation", losses["train"])
            if self._sampled:
                values = self._criterion_values(values)
            for number, member in enumerate(members):
                if member.is_over:
                    continue
                log = member.problem.log
                for split, of_models in losses.items():
                    log.objective(split, self._objective, epoch, float(of_models[number, 0]))
                self._select(number, member, values[number], epoch)
                log.progress(epoch, self._parameters.epochs, throughput)
            if all(member.is_over for member in members):
                break
        return [None if member.has_diverged else member.best for member in members]

    def _validation_losses(self) -> Values:
        losses = np.empty((len(self._problems), len(self._candidates)))
        for members, rows in self._validation:
            losses[members] = self._models.mean_losses(
                members, rows.features, rows.labels, self._step
            )
        losses *= np.array([[problem.unit] for problem in self._problems])
        return losses

    def _select(self, number: int, member: "_Member", values: Values, epoch: int) -> None:
        """Keeps the best model of the epoch, if it is better than those before."""
        log = member.problem.log
        ranked = np.where(np.isfinite(values), -values if self._sampled else values, np.inf)
        index = int(np.argmin(ranked))
        if ranked[index] == np.inf:
            member.has_diverged = True
            return
        log.criterion(self._criterion, epoch, float(values[index]))
        if member.stopping.improves(float(values[index])):
            weights = self._models.weights_of(number, index)
            member.best = Fitted(weights, self._candidates[index], epoch)
        log.improvement(epoch, member.stopping.epochs_without_improvement)

    @property
    def _criterion(self) -> str:
        selection = self._parameters.binary_classifier_model_selection_criteria
        return f"sampled_{selection}" if self._sampled else self._objective

    def _criterion_values(self, losses: Values) -> Values:
        """The selection criterion of each model, at its best threshold."""
        values = np.array(
            [
                _best_criteria(self._models, number, problem.validation, self._parameters)
                for number, problem in enumerate(self._problems)
                if problem.validation
            ]
        )
        return np.where(np.isfinite(losses), values, np.nan)


@dataclass
class _Member:
    """How far one problem of the stack has got."""

    problem: Problem
    stopping: EarlyStopping
    best: Fitted | None = None
    has_diverged: bool = False

    @property
    def is_over(self) -> bool:
        return self.has_diverged or self.stopping.is_over


def _stacked(arrays: Sequence[Array]) -> Array:
    """One array more dimensional; of a single one a view."""
    return np.stack(arrays) if len(arrays) > 1 else arrays[0][None]


def _of_equal_length(problems: Sequence[Problem]) -> list[tuple[slice | list[int], Rows]]:
    """The validation rows, stacked where problems have as many; with the members they are of."""
    validation = [problem.validation for problem in problems if problem.validation]
    groups: dict[int, list[int]] = {}
    for number, rows in enumerate(validation):
        groups.setdefault(len(rows.features), []).append(number)
    return [
        (
            slice(None) if len(groups) == 1 else members,
            Rows(
                _stacked([validation[number].features for number in members]),
                _stacked([validation[number].labels for number in members]),
            ),
        )
        for members in groups.values()
    ]


def _is_calibrated(parameters: Hyperparameters) -> bool:
    return (
        parameters.predictor_type is PredictorType.BINARY_CLASSIFIER
        and parameters.binary_classifier_model_selection_criteria
        is not SelectionCriterion.LOSS_FUNCTION
    )


def _best_criteria(
    models: ParallelModels, member: int, validation: Rows, parameters: Hyperparameters
) -> list[float]:
    rows = slice(parameters.num_calibration_samples)
    scores = models.scores(member, validation.features[rows])
    labels = validation.labels[rows, 0]
    return [best_threshold(column, labels, parameters).value for column in scores.T.copy()]

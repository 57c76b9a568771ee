"""Trains a model as the service's training job does.

AWS describes the steps on its page "How linear learner works"; the mechanics within them are those
that the logs of public training jobs show. docs/linear-learner.md tells them apart.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from training.linear_learner.candidates import Candidate, candidates_for, describe, models_of
from training.linear_learner.channels import TrainingError, check_channels
from training.linear_learner.exact import optimum
from training.linear_learner.fitting import Fitted, Fitting, Problem, Rows
from training.linear_learner.hyperparameters import (
    Hyperparameters,
    Loss,
    SelectionCriterion,
)
from training.linear_learner.losses import (
    class_weights,
    labels_for,
    loss_function,
    positive_weights,
)
from training.linear_learner.metrics import JobLog, Log, quality_metrics
from training.linear_learner.model import (
    DEFAULT_METRICS_PARAMS,
    Dataset,
    Float32Array,
    LinearModel,
    PredictorType,
)
from training.linear_learner.predictor import predict
from training.linear_learner.scaler import Scaler
from training.linear_learner.thresholds import best_threshold

__all__ = [
    "Dataset",
    "Hyperparameters",
    "TrainingError",
    "TrainingResult",
    "train",
    "train_exactly",
    "train_many",
]

_NO_CANDIDATE = Candidate(0.0, 0.0, 0.0, 1, 0.0, 1.0)
STACK = 16
"""Data sets that are trained together; more of them fall out of the processor's cache."""


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """What a training job has to show.

    Attributes
    ----------
    model
        The best model.
    metrics
        Final metrics, by their names in FinalMetricDataList.
    best_hyperparameters
        What the best of the parallel models was trained with.
    epoch
        The epoch, counted from 0, that the model is from.
    """

    model: LinearModel
    metrics: Mapping[str, float]
    best_hyperparameters: Mapping[str, object]
    epoch: int


def train(
    hyperparameters: Hyperparameters,
    train: Dataset,
    validation: Dataset | None = None,
    test: Dataset | None = None,
    *,
    log: Log = lambda line: None,
) -> TrainingResult:
    """Trains on ``train`` and selects on ``validation``; without it, on ``train``.

    The final metrics are those on the data that the model was selected on, and on ``test``. The
    same arguments give the same result, bit for bit. ``log`` takes the lines of the job's log.

    Raises
    ------
    TrainingError
        The data does not fit the hyperparameters, or training diverged.
    """
    given = {"train": train, "validation": validation, "test": test}
    channels = {name: data for name, data in given.items() if data is not None}
    check_channels(channels, hyperparameters)
    job_log = JobLog(log)
    # A candidate may diverge; then it is not selected.
    with np.errstate(over="ignore", invalid="ignore"):
        tasks = [
            _Task(hyperparameters, channels, job_log, weight)
            for weight in positive_weights(hyperparameters, train)
        ]
        outcomes = [task.outcome(_fit([task])[0]) for task in tasks]
        best = max(outcomes, key=lambda outcome: outcome.value)
        return _report(best, hyperparameters, channels, job_log)


def train_many(
    hyperparameters: Hyperparameters, datasets: Sequence[tuple[Dataset, Dataset]]
) -> list[TrainingResult | TrainingError]:
    """Trains a model on each pair of a train and a validation data set.

    Each result, or error, is what ``train`` gives for the pair alone, bit for bit; those of small
    data sets with as many mini-batches as others take half the time.
    """
    if not _can_be_stacked(hyperparameters):
        return [_train_or_error(hyperparameters, *pair) for pair in datasets]
    results: dict[int, TrainingResult | TrainingError] = {}
    stacks: dict[tuple[int, int], list[tuple[int, _Task]]] = {}
    with np.errstate(over="ignore", invalid="ignore"):
        for number, (train, validation) in enumerate(datasets):
            channels = {"train": train, "validation": validation}
            try:
                check_channels(channels, hyperparameters)
            except TrainingError as error:
                results[number] = error
                continue
            batches = len(train) // hyperparameters.mini_batch_size
            stack = stacks.setdefault((batches, train.feature_dim), [])
            stack.append((number, _Task(hyperparameters, channels, JobLog(), 1.0)))
        for stack in stacks.values():
            for start in range(0, len(stack), STACK):
                results |= _results(stack[start : start + STACK])
    return [results[number] for number in range(len(datasets))]


def train_exactly(
    hyperparameters: Hyperparameters, train: Dataset, validation: Dataset
) -> TrainingResult:
    """The model at the optimum of its loss on ``train``; see ``exact``.

    Of the hyperparameters those of the loss and of normalisation count, and ``use_bias``.

    Raises
    ------
    TrainingError
        The data does not fit the hyperparameters, or the loss has no solver.
    """
    channels = {"train": train, "validation": validation}
    parameters = replace(hyperparameters, mini_batch_size=max(1, len(train)))
    check_channels(channels, parameters)
    task = _Task(parameters, channels, JobLog(), 1.0)
    rows = task.problem().train
    fitted = Fitted(optimum(parameters, rows.features, rows.labels), _NO_CANDIDATE, 0)
    result = _report(task.outcome(fitted), parameters, channels, task.log)
    return replace(result, best_hyperparameters={})


def _train_or_error(
    parameters: Hyperparameters, rows: Dataset, validation: Dataset
) -> TrainingResult | TrainingError:
    try:
        return train(parameters, rows, validation)
    except TrainingError as error:
        return error


def _can_be_stacked(parameters: Hyperparameters) -> bool:
    """Whether one loss function is right for all data sets, whatever their labels' scale."""
    if parameters.predictor_type is PredictorType.BINARY_CLASSIFIER:
        return parameters.positive_example_weight_mult == 1
    return parameters.loss_function in (Loss.SQUARED, Loss.ABSOLUTE, Loss.QUANTILE)


def _results(stack: Sequence[tuple[int, "_Task"]]) -> dict[int, TrainingResult | TrainingError]:
    results: dict[int, TrainingResult | TrainingError] = {}
    fits = _fit([task for _, task in stack])
    for (number, task), fitted in zip(stack, fits, strict=True):
        try:
            outcome = task.outcome(fitted)
            results[number] = _report(outcome, task.parameters, task.channels, task.log)
        except TrainingError as error:
            results[number] = error
    return results


@dataclass(frozen=True, eq=False)
class _Outcome:
    """A model, and the value of the selection criterion on it; greater is better."""

    model: LinearModel
    fitted: Fitted
    value: float


class _Task:
    """Training on one data set with one weight of its positive examples."""

    def __init__(
        self,
        parameters: Hyperparameters,
        channels: Mapping[str, Dataset],
        log: JobLog,
        positive_weight: float,
    ) -> None:
        self.parameters = parameters
        self.channels = channels
        self.log = log
        self._positive_weight = positive_weight
        self._scaler = Scaler.fit(channels["train"], parameters)
        self._balance = class_weights(parameters, channels["train"])
        self.loss = loss_function(
            parameters, self._scaler.stdev_label, positive_weight, self._balance
        )

    def problem(self) -> Problem:
        """The normalised rows."""
        validation = self.channels.get("validation")
        return Problem(
            train=self._rows(self.channels["train"]),
            validation=None if validation is None else self._rows(validation),
            unit=self.loss.unit,
            log=self.log,
        )

    def outcome(self, fitted: Fitted | None) -> _Outcome:
        """The model on raw features.

        Raises
        ------
        TrainingError
            It has diverged.
        """
        if fitted is None:
            raise TrainingError(
                "Training diverged: no model has a finite loss. Lower learning_rate."
            )
        weights, bias = self._scaler.denormalise(fitted.weights)
        try:
            model = LinearModel(
                predictor_type=self.parameters.predictor_type,
                loss=str(self.parameters.loss_function),
                weights=weights,
                bias=bias,
                metrics_params=_metrics_params(
                    self.parameters, self._positive_weight, self._balance
                ),
                graph_number=models_of(self.parameters),
            )
            return _calibrate(model, fitted, _selection(self.channels), self.parameters)
        except ValueError as error:
            raise TrainingError(f"Training diverged: {error}.") from error

    def _rows(self, data: Dataset) -> Rows:
        labels = self._scaler.normalise_labels(data.labels)
        return Rows(
            self._scaler.normalise_features(data.features),
            labels_for(self.parameters.predictor_type, labels),
        )


def _fit(tasks: Sequence[_Task]) -> list[Fitted | None]:
    parameters = tasks[0].parameters
    problems = [task.problem() for task in tasks]
    return Fitting(parameters, candidates_for(parameters), tasks[0].loss, problems).run()


def _selection(channels: Mapping[str, Dataset]) -> Dataset:
    """What models are selected on."""
    return channels.get("validation", channels["train"])


def _calibrate(
    model: LinearModel, fitted: Fitted, data: Dataset, parameters: Hyperparameters
) -> _Outcome:
    """Sets the threshold of a binary classifier to where the selection criterion is best."""
    if model.predictor_type is not PredictorType.BINARY_CLASSIFIER:
        return _Outcome(model, fitted, 0.0)
    criterion = parameters.binary_classifier_model_selection_criteria
    if criterion is SelectionCriterion.LOSS_FUNCTION:
        objective = next(iter(quality_metrics(model, data, parameters).values()))
        return _Outcome(model, fitted, -objective)
    sample = slice(parameters.num_calibration_samples)
    scores = predict(model, data.features[sample]).scores
    best = best_threshold(scores, data.labels[sample], parameters)
    metrics_params = {**model.metrics_params, "threshold": best.threshold}
    calibrated = replace(model, threshold=best.threshold, metrics_params=metrics_params)
    return _Outcome(calibrated, fitted, best.value)


def _report(
    outcome: _Outcome,
    parameters: Hyperparameters,
    channels: Mapping[str, Dataset],
    log: JobLog,
) -> TrainingResult:
    model = outcome.model
    selection = "validation" if "validation" in channels else "train"
    best = describe(outcome.fitted.candidate, parameters.optimizer)
    log.quality(selection, quality_metrics(model, channels[selection], parameters))
    log.line(f"Best model found for hyperparameters: {json.dumps(best)}")
    if "test" in channels:
        log.quality("test", quality_metrics(model, channels["test"], parameters))
    else:
        log.line("Test data is not provided.")
    return TrainingResult(model, log.metrics, best, outcome.fitted.epoch)


def _metrics_params(
    parameters: Hyperparameters, positive_weight: float, balance: Float32Array | None
) -> dict[str, object]:
    """``metrics_params`` of the artifact; what the loss does not use stays null."""
    used: dict[str, object] = {"accuracy_top_k": parameters.accuracy_top_k}
    match parameters.loss_function:
        case Loss.QUANTILE:
            used["quantile"] = parameters.quantile
        case Loss.HUBER:
            used["huber_delta"] = parameters.huber_delta
        case Loss.HINGE:
            used["margin"] = parameters.margin
        case Loss.EPS_INSENSITIVE_SQUARED | Loss.EPS_INSENSITIVE_ABSOLUTE as loss:
            used["loss_insensitivity"] = parameters.loss_insensitivity
            used["eps_insensitive_loss_type"] = str(loss)
    if parameters.predictor_type is not PredictorType.REGRESSOR:
        used["f_beta"] = parameters.f_beta
        used["positive_example_weight_mult"] = positive_weight
    if balance is not None:
        used["class_weights"] = balance.tolist()
    return {**DEFAULT_METRICS_PARAMS, **used}

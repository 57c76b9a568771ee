"""Trains a model as the service's training job does.

AWS describes the steps on its page "How linear learner works"; the mechanics within them are those
that the logs of public training jobs show. docs/linear-learner.md tells them apart.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from training.linear_learner.candidates import candidates_for, describe
from training.linear_learner.channels import TrainingError, check_channels
from training.linear_learner.dataset import Dataset
from training.linear_learner.fitting import Fitted, Fitting, Rows
from training.linear_learner.hyperparameters import (
    Hyperparameters,
    Loss,
    SelectionCriterion,
)
from training.linear_learner.job_log import JobLog, Log
from training.linear_learner.losses import labels_for, loss_function
from training.linear_learner.metrics import quality_metrics
from training.linear_learner.model import (
    DEFAULT_METRICS_PARAMS,
    Float32Array,
    LinearModel,
    PredictorType,
)
from training.linear_learner.predictor import predict
from training.linear_learner.scaler import Scaler
from training.linear_learner.thresholds import best_threshold
from training.linear_learner.weights import class_weights, positive_weights

__all__ = ["Dataset", "Hyperparameters", "TrainingError", "TrainingResult", "train"]


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """What a training job has to show.

    Attributes:
        model: the best model.
        metrics: final metrics, by their names in FinalMetricDataList.
        best_hyperparameters: what the best of the parallel models was trained with.
        epoch: the epoch, counted from 0, that the model is from.
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

    Raises:
        TrainingError: the data does not fit the hyperparameters, or training diverged.
    """
    given = {"train": train, "validation": validation, "test": test}
    channels = {name: data for name, data in given.items() if data is not None}
    check_channels(channels, hyperparameters)
    job_log = JobLog(log)
    selection = "validation" if "validation" in channels else "train"
    job = partial(_train_once, hyperparameters, channels, selection, job_log)
    # A candidate may diverge; then it is not selected.
    with np.errstate(over="ignore", invalid="ignore"):
        outcomes = [job(weight) for weight in positive_weights(hyperparameters, train)]
        best = max(outcomes, key=lambda outcome: outcome.value)
        return _report(best, hyperparameters, channels, selection, job_log)


@dataclass(frozen=True, eq=False)
class _Outcome:
    """A model, and the value of the selection criterion on it; greater is better."""

    model: LinearModel
    fitted: Fitted
    value: float


def _train_once(
    parameters: Hyperparameters,
    channels: Mapping[str, Dataset],
    selection: str,
    log: JobLog,
    positive_weight: float,
) -> _Outcome:
    scaler = Scaler.fit(channels["train"], parameters)
    balance = class_weights(parameters, channels["train"])
    loss = loss_function(parameters, scaler.stdev_label, positive_weight, balance)
    rows = {
        name: Rows(
            scaler.normalise_features(data.features),
            labels_for(parameters.predictor_type, scaler.normalise_labels(data.labels)),
        )
        for name, data in channels.items()
        if name != "test"
    }
    candidates = candidates_for(parameters)
    fitting = Fitting(parameters, candidates, loss, log)
    fitted = fitting.run(rows["train"], rows.get("validation"))
    weights, bias = scaler.denormalise(fitted.weights)
    metrics_params = _metrics_params(parameters, positive_weight, balance)
    try:
        model = LinearModel(
            predictor_type=parameters.predictor_type,
            loss=str(parameters.loss_function),
            weights=weights,
            bias=bias,
            metrics_params=metrics_params,
            graph_number=len(candidates),
        )
        return _calibrate(model, fitted, channels[selection], parameters)
    except ValueError as error:
        raise TrainingError(f"Training diverged: {error}.") from error


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
    selection: str,
    log: JobLog,
) -> TrainingResult:
    model = outcome.model
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

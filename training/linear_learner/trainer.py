"""Trains a model as the service's training job does.

AWS describes the steps on its page "How linear learner works"; the mechanics within them are those
that the logs of public training jobs show. docs/linear-learner.md tells them apart.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from training.linear_learner.candidates import candidates_for, describe
from training.linear_learner.dataset import Dataset
from training.linear_learner.early_stopping import EarlyStopping
from training.linear_learner.hyperparameters import Hyperparameters, Loss
from training.linear_learner.losses import Labels, LossFunction, loss_function
from training.linear_learner.metrics import final_metric_name, labels_for, quality_metrics
from training.linear_learner.model import (
    DEFAULT_METRICS_PARAMS,
    Float32Array,
    LinearModel,
    PredictorType,
)
from training.linear_learner.parallel_models import ParallelModels
from training.linear_learner.predictor import predict
from training.linear_learner.scaler import Scaler
from training.linear_learner.thresholds import best_threshold

Log = Callable[[str], None]


class TrainingError(ValueError):
    """The data cannot be trained on with these hyperparameters; the text says why."""


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """What a training job has to show.

    Attributes:
        model: the best model.
        metrics: final metrics by the names of FinalMetricDataList.
        best_hyperparameters: what the best of the parallel models was trained with.
        epochs: how many epochs were trained.
    """

    model: LinearModel
    metrics: Mapping[str, float]
    best_hyperparameters: Mapping[str, object]
    epochs: int


def train(
    hyperparameters: Hyperparameters,
    train: Dataset,
    validation: Dataset | None = None,
    test: Dataset | None = None,
    *,
    log: Log = lambda line: None,
) -> TrainingResult:
    """Trains on ``train``, chooses on ``validation`` (without it on ``train``), reports on all.

    The same arguments give the same result, bit for bit. ``log`` takes the lines that the service's
    container writes, without their time stamps.

    Raises:
        TrainingError: the data does not fit the hyperparameters or itself.
    """
    splits = {"train": train, "validation": validation, "test": test}
    given = {name: data for name, data in splits.items() if data is not None}
    for name, data in given.items():
        _check(name, data, train.feature_dim, hyperparameters)
    return _Training(hyperparameters, given, log).run()


def _check(name: str, data: Dataset, feature_dim: int, parameters: Hyperparameters) -> None:
    expected = parameters.feature_dim or feature_dim
    if data.feature_dim != expected:
        raise TrainingError(
            f"The {name} channel has {data.feature_dim} features; feature_dim is {expected}."
        )
    if name == "train" and len(data) < parameters.mini_batch_size:
        raise TrainingError(
            f"No training data processed. The train channel has {len(data)} rows, and "
            f"mini_batch_size is {parameters.mini_batch_size}; it must not be greater."
        )
    if len(data) == 0:
        raise TrainingError(f"The {name} channel has no rows.")
    if not np.isfinite(data.features).all() or not np.isfinite(data.labels).all():
        raise TrainingError(f"The {name} channel has values that are not finite numbers.")
    if parameters.predictor_type is not PredictorType.REGRESSOR:
        classes = _classes(parameters)
        wrong = data.labels[(data.labels % 1 != 0) | (data.labels < 0) | (data.labels >= classes)]
        if wrong.size:
            raise TrainingError(
                f"The {name} channel has the label {wrong[0]:g}; the labels of a "
                f"{parameters.predictor_type} are the integers from 0 to {classes - 1}."
            )


def _classes(parameters: Hyperparameters) -> int:
    multiclass = parameters.predictor_type is PredictorType.MULTICLASS_CLASSIFIER
    return parameters.num_classes if multiclass else 2


@dataclass(frozen=True, eq=False)
class _Scaled:
    """A data set as the training sees it: normalised."""

    features: Float32Array
    labels: Labels


@dataclass(frozen=True, eq=False)
class _Best:
    """The best model so far, on normalised features, and where it comes from."""

    weights: Float32Array
    candidate: int


class _Training:
    """One run; holds what its steps share."""

    def __init__(
        self, parameters: Hyperparameters, splits: Mapping[str, Dataset], log: Log
    ) -> None:
        self._parameters = parameters
        self._splits = splits
        self._log = log
        self._candidates = candidates_for(parameters)
        self._scaler = Scaler.fit(splits["train"], parameters)
        self._selection = "validation" if "validation" in splits else "train"
        self._metrics: dict[str, float] = {}

    def run(self) -> TrainingResult:
        loss = loss_function(self._parameters, self._scaler.stdev_label)
        best, epochs = self._fit(loss)
        model = self._calibrated(self._model(best.weights))
        hyperparameters = describe(self._candidates[best.candidate], self._parameters.optimizer)
        for split, data in self._splits.items():
            self._report(split, model, data)
        self._log(f"Best model found for hyperparameters: {json.dumps(hyperparameters)}")
        if "test" not in self._splits:
            self._log("Test data is not provided.")
        return TrainingResult(model, self._metrics, hyperparameters, epochs)

    def _fit(self, loss: LossFunction) -> tuple[_Best, int]:
        parameters = self._parameters
        train = self._scaled(self._splits["train"])
        held_out = self._splits.get("validation")
        validation = None if held_out is None else self._scaled(held_out)
        outputs = _classes(parameters) if parameters.loss_function is Loss.SOFTMAX else 1
        models = ParallelModels(parameters, self._candidates, train.features.shape[1], outputs)
        stopping = EarlyStopping(
            parameters.early_stopping_patience, parameters.early_stopping_tolerance
        )
        best = _Best(models.weights_of(0), 0)
        for epoch in range(parameters.epochs):
            losses = models.train_epoch(train.features, train.labels, loss)
            self._log_objective("train", loss, epoch, losses)
            if validation is not None:
                losses = models.mean_losses(validation.features, validation.labels, loss)
                losses *= self._scaler.stdev_label**loss.degree
                self._log_objective("validation", loss, epoch, losses)
            index = int(np.argmin(losses))
            if stopping.improves(float(losses[index])):
                best = _Best(models.weights_of(index), index)
                self._log(f"Epoch {epoch}: Loss improved. Updating best model")
            if stopping.is_over:
                break
        return best, epoch + 1

    def _scaled(self, data: Dataset) -> _Scaled:
        return _Scaled(
            self._scaler.normalise_features(data.features),
            labels_for(self._parameters.predictor_type, self._scaler.normalise_labels(data.labels)),
        )

    def _model(self, weights: Float32Array) -> LinearModel:
        parameters = self._parameters
        raw, bias = self._scaler.denormalise(weights)
        return LinearModel(
            predictor_type=parameters.predictor_type,
            loss=str(parameters.loss_function),
            weights=raw,
            bias=bias,
            metrics_params=DEFAULT_METRICS_PARAMS,
            graph_number=len(self._candidates),
        )

    def _calibrated(self, model: LinearModel) -> LinearModel:
        if model.predictor_type is not PredictorType.BINARY_CLASSIFIER:
            return model
        data = self._splits[self._selection]
        scores = predict(model, data.features).scores
        threshold = best_threshold(scores, data.labels, self._parameters).threshold
        return replace(
            model,
            threshold=threshold,
            metrics_params={**model.metrics_params, "threshold": threshold},
        )

    def _log_objective(
        self, split: str, loss: LossFunction, epoch: int, losses: NDArray[np.float64]
    ) -> None:
        """The service prints the loss of the first of its parallel models."""
        value = float(losses[0])
        self._metrics[f"{split}:objective_loss"] = value
        self._log(
            f"#quality_metric: host=algo-1, epoch={epoch}, {split} {loss.metric}_objective "
            f"<loss>={value}"
        )

    def _report(self, split: str, model: LinearModel, data: Dataset) -> None:
        for name, value in quality_metrics(model, data, self._parameters).items():
            kind = "loss" if name.endswith(("_objective", "mse", "_loss")) else "score"
            self._log(f"#quality_metric: host=algo-1, {split} {name} <{kind}>={value}")
            self._metrics[final_metric_name(split, name)] = value

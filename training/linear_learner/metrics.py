"""The quality metrics that a training job reports on a data set."""

import numpy as np
from numpy.typing import NDArray

from training.linear_learner.dataset import Dataset
from training.linear_learner.hyperparameters import Hyperparameters
from training.linear_learner.losses import labels_for, loss_function
from training.linear_learner.model import LinearModel, PredictorType
from training.linear_learner.predictor import Predictions, margins, predict

Metrics = dict[str, float]
Values = NDArray[np.float64]


def quality_metrics(model: LinearModel, data: Dataset, parameters: Hyperparameters) -> Metrics:
    """The metrics of a model on a data set, by the names of the service's log lines, in order.

    All are in the label's own unit; the first is the objective.
    """
    predictions = predict(model, data.features)
    objective = _objective(model, data, parameters)
    match model.predictor_type:
        case PredictorType.REGRESSOR:
            return objective | _regression(predictions, data)
        case PredictorType.BINARY_CLASSIFIER:
            return objective | _binary(predictions, data, model.threshold, parameters.f_beta)
        case PredictorType.MULTICLASS_CLASSIFIER:
            return objective | _multiclass(predictions, data, parameters)


def _objective(model: LinearModel, data: Dataset, parameters: Hyperparameters) -> Metrics:
    loss = loss_function(parameters)
    scores = margins(model, data.features).astype(np.float64)
    if model.outputs > 1:
        scores = scores[:, None, :]
    losses = np.empty((len(data), 1))
    loss.step(scores, labels_for(model.predictor_type, data.labels), losses)
    return {f"{loss.metric}_objective": loss.unit * float(losses.mean())}


def _regression(predictions: Predictions, data: Dataset) -> Metrics:
    errors = predictions.scores.astype(np.float64) - data.labels
    return {"mse": float(np.mean(errors**2)), "absolute_loss": float(np.mean(np.abs(errors)))}


def _binary(predictions: Predictions, data: Dataset, threshold: float, beta: float) -> Metrics:
    answered, actual = predictions.scores >= threshold, data.labels > 0
    hits = int(np.count_nonzero(answered & actual))
    precision = hits / max(int(np.count_nonzero(answered)), 1)
    recall = hits / max(int(np.count_nonzero(actual)), 1)
    return {
        "binary_classification_accuracy": float(np.mean(answered == actual)),
        f"binary_f_{beta:.3f}": float(_f_score(precision, recall, beta)),
        "precision": precision,
        "recall": recall,
    }


def _multiclass(predictions: Predictions, data: Dataset, parameters: Hyperparameters) -> Metrics:
    actual = data.labels.astype(np.int64)
    answered = predictions.scores.argmax(axis=1)
    own_score = np.take_along_axis(predictions.scores, actual[:, None], axis=1)
    rank = (predictions.scores > own_score).sum(axis=1)
    classes = parameters.num_classes
    hits = np.bincount(actual[answered == actual], minlength=classes)
    precision = hits / np.maximum(np.bincount(answered, minlength=classes), 1)
    recall = hits / np.maximum(np.bincount(actual, minlength=classes), 1)
    beta, top = parameters.f_beta, parameters.accuracy_top_k
    return {
        "multiclass_accuracy": float(np.mean(answered == actual)),
        f"multiclass_top_k_accuracy_{top}": float(np.mean(rank < top)),
        "dcg": float(np.mean(1 / np.log2(rank + 2))),
        "macro_recall": float(recall.mean()),
        "macro_precision": float(precision.mean()),
        f"macro_f_{beta:.3f}": float(_f_score(precision, recall, beta).mean()),
    }


def _f_score(precision: float | Values, recall: float | Values, beta: float) -> Values:
    weighted = beta**2 * np.asarray(precision) + recall
    score: Values = (1 + beta**2) * precision * recall / np.where(weighted > 0, weighted, 1)
    return score


def final_metric_name(split: str, name: str) -> str:
    """The name in FinalMetricDataList of the metric that log lines call ``name``.

    ``split`` is train, validation or test. As the MetricDefinitions of DescribeTrainingJob have it.
    """
    if name.endswith("_objective"):
        return f"{split}:objective_loss" + ("" if split == "test" else ":final")
    for prefix, final in _FINAL_NAMES.items():
        if name.startswith(prefix):
            return f"{split}:{final}"
    return f"{split}:{name}"


_FINAL_NAMES = {
    "binary_f_": "binary_f_beta",
    "macro_f_": "macro_f_beta",
    "multiclass_top_k_accuracy_": "multiclass_top_k_accuracy",
}

"""What a training job says of a model: quality metrics, and the log lines that carry them.

The lines are those of the service's container, without their time stamps; SageMaker finds the
metrics in them with the MetricDefinitions that DescribeTrainingJob shows.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from training.linear_learner.hyperparameters import Hyperparameters
from training.linear_learner.losses import labels_for, loss_function
from training.linear_learner.model import Dataset, LinearModel, PredictorType
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


Log = Callable[[str], None]
_HOST = "host=algo-1"


class JobLog:
    """Writes the lines of one job, and keeps the last value of each metric."""

    def __init__(self, log: Log = lambda line: None) -> None:
        self.line = log
        self.metrics: Metrics = {}

    def objective(self, split: str, name: str, epoch: int, value: float) -> None:
        """The loss of an epoch: that of the first of the parallel models."""
        self.metrics[f"{split}:objective_loss"] = value
        self.line(f"#quality_metric: {_HOST}, epoch={epoch}, {split} {name} <loss>={value}")

    def criterion(self, name: str, epoch: int, value: float) -> None:
        """The value that early stopping looks at."""
        self.line(
            f"#early_stopping_criteria_metric: {_HOST}, epoch={epoch}, criteria={name}, "
            f"value={value}"
        )

    def improvement(self, epoch: int, waited: int) -> None:
        """Whether the epoch is the best so far: then none has been waited for since."""
        if waited == 0:
            self.line(f"Epoch {epoch}: Loss improved. Updating best model")
        else:
            self.line(f"Epoch {epoch}: Loss has not improved for {waited} epochs.")

    def progress(self, epoch: int, epochs: int, records_per_second: float) -> None:
        """The end of an epoch, counted from 0."""
        percent = 100 * (epoch + 1) // epochs
        self.metrics["train:progress"] = float(percent)
        self.line(f"#progress_metric: {_HOST}, completed {percent} % of epochs")
        self.line(
            f"#throughput_metric: {_HOST}, train throughput={records_per_second} records/second"
        )

    def quality(self, split: str, metrics: Mapping[str, float]) -> None:
        """The final metrics on one data set."""
        for name, value in metrics.items():
            self.line(f"#{split}_score (algo-1) : ({name!r}, {value})")
        for name, value in metrics.items():
            kind = "loss" if name.endswith(("_objective", "_loss", "mse")) else "score"
            self.line(f"#quality_metric: {_HOST}, {split} {name} <{kind}>={value}")
            self.metrics[final_metric_name(split, name)] = value

"""Loss functions, for many models at once.

A loss takes the scores of a batch, computes the loss of every row under every model, and turns the
scores into the derivatives of the loss in place: training needs both, and memory is reused.

``scores`` has the shape (n, models), and ``labels`` (n, 1). For k classes ``scores`` has the shape
(n, models, k), and ``labels`` holds the class numbers as integers, (n, 1, 1). ``losses`` always has
the shape (n, models). All may have axes before these: a stack of data sets.

The formulas are those of AWS's notebook ``linear_learner_class_weights_loss_functions``
(aws/amazon-sagemaker-examples).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.linear_learner.hyperparameters import Hyperparameters, Loss, PositiveWeight
from training.linear_learner.model import Dataset, Float32Array, PredictorType
from training.linear_learner.predictor import sigmoid

Labels = NDArray[Any]
Floats = NDArray[np.floating]
"""Float32 in training, where speed counts; float64 for metrics, that no error is too large."""
_SMALLEST = float(np.finfo(np.float32).tiny)

Step = Callable[[Floats, Labels, Floats], None]


@dataclass(frozen=True)
class LossFunction:
    """One loss.

    Attributes
    ----------
    metric
        Its name in log lines, without the ending ``_objective``.
    step
        ``step(scores, labels, losses)`` fills ``losses`` and overwrites ``scores`` with their
        derivatives.
    unit
        What a loss of normalised labels is multiplied with to be in the label's own unit.
    """

    metric: str
    step: Step
    unit: float = 1.0


def loss_function(
    parameters: Hyperparameters,
    stdev_label: float = 1.0,
    positive_weight: float = 1.0,
    class_weights: Float32Array | None = None,
) -> LossFunction:
    """The loss that the hyperparameters name.

    ``huber_delta`` and ``loss_insensitivity`` are in the label's unit. Where the labels are divided
    by ``stdev_label``, so are they; the models then minimise the documented loss.
    """
    variance_label = stdev_label**2
    match parameters.loss_function:
        case Loss.SQUARED:
            return LossFunction("mse", squared, variance_label)
        case Loss.ABSOLUTE:
            return LossFunction("absolute_loss", absolute, stdev_label)
        case Loss.EPS_INSENSITIVE_SQUARED:
            step = eps_insensitive_squared(parameters.loss_insensitivity / stdev_label)
            return LossFunction("eps_insensitive_squared_loss", step, variance_label)
        case Loss.EPS_INSENSITIVE_ABSOLUTE:
            step = eps_insensitive_absolute(parameters.loss_insensitivity / stdev_label)
            return LossFunction("eps_insensitive_absolute_loss", step, stdev_label)
        case Loss.QUANTILE:
            return LossFunction("quantile_loss", quantile(parameters.quantile), stdev_label)
        case Loss.HUBER:
            delta = max(parameters.huber_delta / stdev_label, _SMALLEST)
            return LossFunction("huber_loss", huber(delta), variance_label * min(delta, 1))
        case Loss.HINGE:
            step = positives_weighted(hinge(parameters.margin), positive_weight)
            return LossFunction("hinge_loss", step)
        case Loss.SOFTMAX:
            return LossFunction("multiclass_cross_entropy", softmax(class_weights))
        case _:
            step = positives_weighted(logistic, positive_weight)
            return LossFunction("binary_classification_cross_entropy", step)


def labels_for(predictor_type: PredictorType, labels: NDArray[np.float32]) -> Labels:
    """Labels in the shape in which loss functions take them."""
    if predictor_type is PredictorType.MULTICLASS_CLASSIFIER:
        return labels.astype(np.int64)[:, None, None]
    return labels[:, None]


def squared(scores: Floats, labels: Labels, losses: Floats) -> None:
    """(score - label)²; like MXNet's LinearRegressionOutput, the derivative leaves out the 2."""
    np.subtract(scores, labels, out=scores)
    np.square(scores, out=losses)


def absolute(scores: Floats, labels: Labels, losses: Floats) -> None:
    """|score - label|."""
    np.subtract(scores, labels, out=scores)
    np.abs(scores, out=losses)
    # Faster than np.sign by half; the smallest number keeps 0 / 0 away.
    np.maximum(losses, _SMALLEST, out=losses)
    np.divide(scores, losses, out=scores)


def eps_insensitive_squared(epsilon: float) -> Step:
    """What (score - label)² exceeds ``epsilon``² by; the derivative without the 2, as above."""

    def step(scores: Floats, labels: Labels, losses: Floats) -> None:
        np.subtract(scores, labels, out=scores)
        np.square(scores, out=losses)
        losses -= np.float32(epsilon**2)
        np.maximum(losses, 0, out=losses)
        scores *= losses > 0

    return step


def eps_insensitive_absolute(epsilon: float) -> Step:
    """What |score - label| exceeds ``epsilon`` by."""

    def step(scores: Floats, labels: Labels, losses: Floats) -> None:
        np.subtract(scores, labels, out=scores)
        scores -= np.clip(scores, -epsilon, epsilon)
        np.abs(scores, out=losses)
        np.sign(scores, out=scores)

    return step


def quantile(level: float) -> Step:
    """``level`` times what the score falls short by, 1 - ``level`` times what it exceeds by."""

    def step(scores: Floats, labels: Labels, losses: Floats) -> None:
        np.subtract(scores, labels, out=scores)
        slopes = np.where(scores > 0, np.float32(1 - level), np.float32(-level))
        np.multiply(scores, slopes, out=losses)
        scores[:] = slopes

    return step


def huber(delta: float) -> Step:
    """Half the squared error up to ``delta``, and linear from there on; over min(delta, 1).

    Undivided, the slopes of a small ``delta`` would be as small, and weight decay the stronger.
    """
    divisor, steepest = min(delta, 1), max(delta, 1)

    def step(scores: Floats, labels: Labels, losses: Floats) -> None:
        np.subtract(scores, labels, out=scores)
        slopes = np.clip(scores / divisor, -steepest, steepest)
        np.multiply(slopes, scores - slopes * (divisor / 2), out=losses)
        scores[:] = slopes

    return step


def logistic(scores: Floats, labels: Labels, losses: Floats) -> None:
    """Cross-entropy of the label, 0 or 1, under the probability sigmoid(score)."""
    np.logaddexp(np.float32(0), scores, out=losses)
    losses -= labels * scores
    np.subtract(sigmoid(scores), labels, out=scores)


def hinge(margin: float) -> Step:
    """What the score lacks to lie half a ``margin`` beyond 0.5, on the side of the label, 0 or 1.

    AWS states the usual hinge loss with labels 0 and 1 in place of -1 and 1.
    """

    def step(scores: Floats, labels: Labels, losses: Floats) -> None:
        sides = 2 * labels - 1
        np.multiply(sides, np.float32(0.5) - scores, out=losses)
        losses += np.float32(margin / 2)
        np.maximum(losses, 0, out=losses)
        np.multiply(-sides, losses > 0, out=scores)

    return step


def positives_weighted(step: Step, weight: float) -> Step:
    """The loss with rows of label 1 counted ``weight`` times."""
    if weight == 1:
        return step

    def weighted(scores: Floats, labels: Labels, losses: Floats) -> None:
        step(scores, labels, losses)
        weights = 1 + np.float32(weight - 1) * labels
        losses *= weights
        scores *= weights

    return weighted


def softmax(class_weights: Float32Array | None) -> Step:
    """Cross-entropy of the class under the scores' softmax; each class counted by its weight."""

    def step(scores: Floats, labels: Labels, losses: Floats) -> None:
        scores -= scores.max(axis=-1, keepdims=True)
        chosen = np.take_along_axis(scores, labels, axis=-1)
        np.exp(scores, out=scores)
        total = scores.sum(axis=-1, keepdims=True)
        np.subtract(np.log(total), chosen, out=losses[..., None])
        scores /= total
        probability = np.take_along_axis(scores, labels, axis=-1)
        np.put_along_axis(scores, labels, probability - 1, axis=-1)
        if class_weights is not None:
            weights = class_weights[labels]
            losses *= weights[..., 0]
            scores *= weights

    return step


def positive_weights(parameters: Hyperparameters, train: Dataset) -> tuple[float, ...]:
    """The weights of positive examples to train a binary classifier with; the best is kept.

    ``balanced`` gives both classes the same total weight; ``auto`` tries that and equal weights.
    """
    given = parameters.positive_example_weight_mult
    if parameters.predictor_type is not PredictorType.BINARY_CLASSIFIER:
        return (1.0,)
    if not isinstance(given, PositiveWeight):
        return (given,)
    positives = int(np.count_nonzero(train.labels))
    negatives = len(train) - positives
    balanced = negatives / positives if positives and negatives else 1.0
    return (balanced,) if given is PositiveWeight.BALANCED else (1.0, balanced)


def class_weights(parameters: Hyperparameters, train: Dataset) -> Float32Array | None:
    """Weights (k,) that give each class the same total; None where all rows count the same."""
    if parameters.predictor_type is not PredictorType.MULTICLASS_CLASSIFIER:
        return None
    if not parameters.balance_multiclass_weights:
        return None
    counts = np.bincount(train.labels.astype(np.int64), minlength=parameters.num_classes)
    return (len(train) / (parameters.num_classes * np.maximum(counts, 1))).astype(np.float32)

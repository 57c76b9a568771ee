"""Scores rows with a model, as the container's /invocations does."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.linear_learner.model import Float32Array, LinearModel, PredictorType


class FeatureDimensionError(ValueError):
    """The rows are not as wide as the model; the text is the one that the container logs."""

    def __init__(self, given: int, expected: int) -> None:
        super().__init__(
            f"The feature dimension of the input: {given} does not match the feature dimension of "
            f"the model: {expected}. Please fix the input and try again."
        )


@dataclass(frozen=True, eq=False)
class Predictions:
    """The answers to n rows, in their order.

    Attributes
    ----------
    scores
        Float32; (n,) for a regressor or a binary classifier, (n, k) for k classes.
    labels
        Int64 of shape (n,) for a classifier, None for a regressor.
    """

    scores: Float32Array
    labels: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.scores)


@np.errstate(over="ignore", invalid="ignore")
def predict(model: LinearModel, features: Float32Array) -> Predictions:
    """Scores ``features``, float32 of shape (n, d); a score that float32 cannot hold is not finite.

    A binary classifier answers the label 1 where the score is at least the model's threshold, a
    multiclass one the class of the greatest score.

    Raises
    ------
    FeatureDimensionError
        The rows are not as wide as the model.
    """
    if features.shape[1] != model.feature_dim:
        raise FeatureDimensionError(features.shape[1], model.feature_dim)
    linear = margins(model, features)
    if model.predictor_type is PredictorType.REGRESSOR:
        return Predictions(linear[:, 0])
    if model.predictor_type is PredictorType.MULTICLASS_CLASSIFIER:
        return Predictions(softmax(linear), linear.argmax(axis=1))
    scores = sigmoid(linear[:, 0]) if model.loss == "logistic" else linear[:, 0]
    return Predictions(scores, (scores >= model.threshold).astype(np.int64))


def margins(model: LinearModel, features: Float32Array) -> Float32Array:
    """``features @ weights + bias``, of shape (n, k).

    One scalar product for each row and output, so that a row has the same answer alone and among
    others; a matrix product would sum in an order that depends on the number of rows.
    """
    rows, columns = np.ascontiguousarray(features), np.ascontiguousarray(model.weights.T)
    products: Float32Array = np.vecdot(rows[:, None, :], columns)
    products += model.bias
    return products


def sigmoid(margins: Float32Array) -> Float32Array:
    """1 / (1 + e^-margin), without overflow for large negative margins."""
    decay = np.exp(-np.abs(margins))
    probabilities: Float32Array = np.where(margins >= 0, np.float32(1), decay) / (1 + decay)
    return probabilities


def softmax(margins: Float32Array) -> Float32Array:
    """Probabilities of k classes from margins of shape (..., k)."""
    powers: Float32Array = np.exp(margins - margins.max(axis=-1, keepdims=True))
    powers /= powers.sum(axis=-1, keepdims=True)
    return powers

"""From which score on a binary classifier answers the label 1."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.linear_learner.hyperparameters import Hyperparameters, SelectionCriterion
from training.linear_learner.model import Float32Array

Float64Array = NDArray[np.float64]


@dataclass(frozen=True)
class Threshold:
    """A threshold and the value that the selection criterion has with it; greater is better."""

    threshold: float
    value: float


def best_threshold(
    scores: Float32Array, labels: Float32Array, parameters: Hyperparameters
) -> Threshold:
    """The score, of those seen, at which the selection criterion is best.

    ``scores`` and ``labels`` have the shape (n,). Where no threshold reaches the target recall or
    precision, the one that comes nearest to it is taken. Of equally good ones the highest is taken.
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    true_positives = np.cumsum(labels[order] > 0, dtype=np.float64)
    positives = np.arange(1, len(scores) + 1, dtype=np.float64)
    last_of_its_score = np.append(ranked[1:] != ranked[:-1], True)
    values = _criterion(true_positives, positives, parameters)
    values = np.where(last_of_its_score, values, -np.inf)
    best = int(np.argmax(values))
    return Threshold(float(ranked[best]), float(values[best]))


def _criterion(
    true_positives: Float64Array, positives: Float64Array, parameters: Hyperparameters
) -> Float64Array:
    """The criterion after 1, 2, ... n rows are answered with 1."""
    actual = max(true_positives[-1], 1.0)
    precision, recall = true_positives / positives, true_positives / actual
    match parameters.binary_classifier_model_selection_criteria:
        case SelectionCriterion.F_BETA:
            square = parameters.f_beta**2
            scores: Float64Array = (1 + square) * true_positives / (square * actual + positives)
            return scores
        case SelectionCriterion.PRECISION_AT_TARGET_RECALL:
            return _at_target(precision, recall, parameters.target_recall)
        case SelectionCriterion.RECALL_AT_TARGET_PRECISION:
            return _at_target(recall, precision, parameters.target_precision)
        case _:
            negatives = len(positives) - true_positives[-1]
            correct = true_positives + negatives - (positives - true_positives)
            accuracy: Float64Array = correct / len(positives)
            return accuracy


def _at_target(value: Float64Array, constrained: Float64Array, target: float) -> Float64Array:
    shortfall = np.minimum(constrained - target, 0)
    return np.where(shortfall < 0, shortfall, value)

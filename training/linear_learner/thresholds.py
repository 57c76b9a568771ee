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
    Where it is better still to answer no row with 1, the threshold lies just above all scores.
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    above = np.nextafter(ranked[0], np.float32(np.inf))
    thresholds = np.append(ranked, above)
    is_positive = labels[order] > 0
    values = _criterion(
        true_positives=np.append(np.cumsum(is_positive, dtype=np.float64), 0),
        answered=np.append(np.arange(1, len(scores) + 1, dtype=np.float64), 0),
        actual=float(np.count_nonzero(is_positive)),
        parameters=parameters,
    )
    last_of_its_score = np.append(thresholds[1:] != thresholds[:-1], True)
    values = np.where(last_of_its_score, values, -np.inf)
    best = int(np.argmax(values))
    return Threshold(float(thresholds[best]), float(values[best]))


def _criterion(
    true_positives: Float64Array,
    answered: Float64Array,
    actual: float,
    parameters: Hyperparameters,
) -> Float64Array:
    """The criterion where so many rows are ``answered`` with 1, of which so many rightly.

    ``actual`` is the number of rows whose label is 1.
    """
    precision = true_positives / np.maximum(answered, 1)
    recall = true_positives / max(actual, 1)
    match parameters.binary_classifier_model_selection_criteria:
        case SelectionCriterion.F_BETA:
            square = parameters.f_beta**2
            scores: Float64Array = (1 + square) * true_positives
            return scores / (square * max(actual, 1) + answered)
        case SelectionCriterion.PRECISION_AT_TARGET_RECALL:
            return _at_target(precision, recall, parameters.target_recall)
        case SelectionCriterion.RECALL_AT_TARGET_PRECISION:
            return _at_target(recall, precision, parameters.target_precision)
        case _:
            rows, wrong = answered.max(), actual + answered - 2 * true_positives
            accuracy: Float64Array = (rows - wrong) / rows
            return accuracy


def _at_target(value: Float64Array, constrained: Float64Array, target: float) -> Float64Array:
    shortfall = np.minimum(constrained - target, 0)
    return np.where(shortfall < 0, shortfall, value)

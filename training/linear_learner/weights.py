"""How much the rows of a class count in the loss."""

import numpy as np

from training.linear_learner.dataset import Dataset
from training.linear_learner.hyperparameters import Hyperparameters, PositiveWeight
from training.linear_learner.model import Float32Array, PredictorType


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

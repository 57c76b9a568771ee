"""Normalisation of features and labels, and its inverse, which is folded into the weights."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from training.linear_learner.hyperparameters import Hyperparameters
from training.linear_learner.model import Dataset, Float32Array, PredictorType

Float64Array = NDArray[np.float64]
_ROUNDING = 1e-12
"""A column that varies by less than this share of its mean is constant, but for rounding."""

_CELLS_AT_ONCE = 1 << 20
"""How many features are float64 at a time: all of a large data set would take thrice its memory."""


@dataclass(frozen=True, eq=False)
class Scaler:
    """Means and standard deviations; where something is not normalised, 0 and 1.

    The names are those of the service's log line "Scaling model computed with parameters".
    ``mean_weight`` and ``stdev_weight`` have the shape (d,), one number a feature.
    """

    mean_weight: Float64Array
    stdev_weight: Float64Array
    mean_label: float = 0.0
    stdev_label: float = 1.0

    @classmethod
    def fit(cls, train: Dataset, parameters: Hyperparameters) -> Self:
        """Measures the first rows of ``train``: whole mini-batches only.

        It takes as many mini-batches as ``num_point_for_scaler`` holds, at least one. Population
        standard deviations; a constant column keeps its scale.
        """
        size = parameters.mini_batch_size
        batches = min(len(train) // size, max(1, parameters.num_point_for_scaler // size))
        features = train.features[: batches * size].astype(np.float64)
        labels = train.labels[: batches * size].astype(np.float64)
        share = np.full(len(labels), 1 / len(labels))
        mean_weight = share @ features
        stdev_weight = np.sqrt(share @ np.square(features - mean_weight))
        unbias = parameters.use_bias if parameters.unbias_data is None else parameters.unbias_data
        scale = parameters.normalize_data is not False
        varies = scale & (stdev_weight > _ROUNDING * np.abs(mean_weight))
        return cls(
            mean_weight if unbias else np.zeros(train.feature_dim),
            np.where(varies, stdev_weight, 1.0),
            *_label_scale(labels, parameters),
        )

    def normalise_features(self, features: Float32Array) -> Float32Array:
        """Float32 of shape (n, d + 1): the normalised features, and a 1 for the bias."""
        normalised = np.ones((len(features), features.shape[1] + 1), np.float32)
        size = max(1, _CELLS_AT_ONCE // features.shape[1])
        for start in range(0, len(features), size):
            rows = slice(start, start + size)
            normalised[rows, :-1] = (features[rows] - self.mean_weight) / self.stdev_weight
        return normalised

    def normalise_labels(self, labels: Float32Array) -> Float32Array:
        """Float32 of shape (n,)."""
        centred = labels.astype(np.float64) - self.mean_label
        return (centred / self.stdev_label).astype(np.float32)

    def denormalise(self, weights: Float32Array) -> tuple[Float32Array, Float32Array]:
        """Weights (d, k) and bias (k,) on raw features, from (d + 1, k) on normalised ones."""
        raw = weights[:-1] * (self.stdev_label / self.stdev_weight[:, None])
        bias = self.mean_label + self.stdev_label * weights[-1] - self.mean_weight @ raw
        return raw.astype(np.float32), bias.astype(np.float32)


def _label_scale(labels: Float64Array, parameters: Hyperparameters) -> tuple[float, float]:
    """Mean and standard deviation of the label; classes are never normalised."""
    if parameters.predictor_type is not PredictorType.REGRESSOR:
        return 0.0, 1.0
    unbias = parameters.use_bias and parameters.unbias_label is not False
    mean = float(labels.mean()) if unbias else 0.0
    stdev = float(labels.std()) if parameters.normalize_label is not False else 1.0
    return mean, stdev or 1.0

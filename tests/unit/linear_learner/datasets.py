"""Rows to train on, and hyperparameters that fit them."""

from collections.abc import Callable

import numpy as np

from training.linear_learner.hyperparameters import Hyperparameters
from training.linear_learner.model import Dataset

SLOPES = np.array([3.0, -2.0, 0.5])


def features(rows: int, seed: int = 0) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.random.default_rng(seed).normal(10, 4, (rows, 3)).astype(np.float32)


def regression(rows: int = 600, noise: float = 1.0, seed: int = 0) -> Dataset:
    x = features(rows, seed)
    y = x @ SLOPES + 7 + noise * np.random.default_rng(seed + 1).normal(size=rows)
    return Dataset(x, y.astype(np.float32))


def binary(rows: int = 600, share: float = 0.5, seed: int = 0) -> Dataset:
    x = features(rows, seed)
    margin = x @ SLOPES + 4 * np.random.default_rng(seed + 1).normal(size=rows)
    return Dataset(x, (margin > np.quantile(margin, 1 - share)).astype(np.float32))


def multiclass(rows: int = 600, seed: int = 0) -> Dataset:
    random = np.random.default_rng(seed)
    labels = random.choice(4, rows, p=[0.1, 0.2, 0.3, 0.4])
    centres = np.array([[0, 0, 0], [6, 0, 0], [0, 6, 0], [0, 0, 6]])
    x = centres[labels] + random.normal(size=(rows, 3))
    return Dataset(x.astype(np.float32), labels.astype(np.float32))


DATA: dict[str, Callable[..., Dataset]] = {
    "regressor": regression,
    "binary_classifier": binary,
    "multiclass_classifier": multiclass,
}


def parameters(predictor_type: str = "regressor", **values: str) -> Hyperparameters:
    defaults = {"predictor_type": predictor_type, "mini_batch_size": "50"}
    if predictor_type == "multiclass_classifier":
        defaults["num_classes"] = "4"
    return Hyperparameters.parse({**defaults, **values})

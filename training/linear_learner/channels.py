"""Checks that the data of a training job fits its hyperparameters."""

from collections.abc import Mapping

import numpy as np

from training.linear_learner.candidates import models_of
from training.linear_learner.hyperparameters import Hyperparameters
from training.linear_learner.model import Dataset, PredictorType

_LARGEST_MATRIX = 1 << 27
"""Numbers in one of the matrices that training works with, some ten at once: 512 MiB each."""


class TrainingError(ValueError):
    """The data cannot be trained on with these hyperparameters; the text says why."""


def check_channels(channels: Mapping[str, Dataset], parameters: Hyperparameters) -> None:
    """Looks at each channel by its name; ``train`` must be there.

    Raises
    ------
    TrainingError
        Names the channel, what is wrong with it, and what is needed; or says how
        much too large the models are.
    """
    train = channels["train"]
    if len(train) < parameters.mini_batch_size:
        raise TrainingError(
            f"No training data processed: channel train has {len(train)} rows, and "
            f"mini_batch_size {parameters.mini_batch_size} must not be greater."
        )
    feature_dim = parameters.feature_dim or train.feature_dim
    for name, data in channels.items():
        _check(name, data, feature_dim, parameters)
    _check_size(feature_dim, parameters)


def _check(name: str, data: Dataset, feature_dim: int, parameters: Hyperparameters) -> None:
    if len(data) == 0:
        raise TrainingError(f"Channel {name} has no rows.")
    if data.feature_dim != feature_dim:
        raise TrainingError(
            f"Channel {name} has {data.feature_dim} features; feature_dim is {feature_dim}."
        )
    if not (np.isfinite(data.features).all() and np.isfinite(data.labels).all()):
        raise TrainingError(f"Channel {name} has values that are not finite numbers.")
    if parameters.predictor_type is not PredictorType.REGRESSOR:
        _check_classes(name, data, parameters)


def _check_classes(name: str, data: Dataset, parameters: Hyperparameters) -> None:
    multiclass = parameters.predictor_type is PredictorType.MULTICLASS_CLASSIFIER
    classes = parameters.num_classes if multiclass else 2
    labels = data.labels
    wrong = labels[(labels % 1 != 0) | (labels < 0) | (labels >= classes)]
    if wrong.size:
        raise TrainingError(
            f"Channel {name} has the label {wrong[0]:g}; those of a {parameters.predictor_type} "
            f"are the integers from 0 to {classes - 1}."
        )


def _check_size(feature_dim: int, parameters: Hyperparameters) -> None:
    models, outputs = models_of(parameters), parameters.outputs
    numbers = max(feature_dim + 1, parameters.mini_batch_size) * models * outputs
    if numbers > _LARGEST_MATRIX:
        raise TrainingError(
            f"{models} models with {outputs} outputs need matrices of {numbers} numbers; at most "
            f"{_LARGEST_MATRIX} are possible. Lower num_models or mini_batch_size."
        )

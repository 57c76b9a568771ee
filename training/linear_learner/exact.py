"""The optimum of Linear Learner's losses, by scikit-learn, in place of epochs of stochastic steps.

The service has nothing like it: ten epochs of Adam leave a linear model some way from the best one
of its class. The artifact is the same, and so is what serves it.
"""

from typing import Any

import numpy as np

from training.linear_learner.channels import TrainingError
from training.linear_learner.hyperparameters import Hyperparameters, Loss
from training.linear_learner.losses import Labels
from training.linear_learner.model import Float32Array

LOSSES = (Loss.SQUARED, Loss.ABSOLUTE, Loss.QUANTILE, Loss.LOGISTIC)
"""Losses that have a solver here."""
_MOST_ITERATIONS = 1000


def optimum(parameters: Hyperparameters, features: Float32Array, labels: Labels) -> Float32Array:
    """The weights (d + 1, 1) that minimise the loss, the last of them the bias.

    ``features`` (n, d + 1) are normalised and end in a column of ones, as ``labels`` (n, 1) are.

    Raises
    ------
    TrainingError
        The loss has no solver here, or none that ends.
    """
    estimator = _estimator(parameters)
    inputs, targets = features[:, :-1].astype(np.float64), labels[:, 0].astype(np.float64)
    try:
        fitted = estimator.fit(inputs, targets)
    except ValueError as error:
        raise TrainingError(f"No optimum found: {error}") from error
    weights = np.append(fitted.coef_, fitted.intercept_)
    return weights.astype(np.float32)[:, None]


def _estimator(parameters: Hyperparameters) -> Any:
    from sklearn import linear_model  # slow to import, needed here alone

    bias = parameters.use_bias
    match parameters.loss_function:
        case Loss.SQUARED:
            return linear_model.LinearRegression(fit_intercept=bias)
        case Loss.ABSOLUTE:
            return linear_model.QuantileRegressor(quantile=0.5, alpha=0, fit_intercept=bias)
        case Loss.QUANTILE:
            level = parameters.quantile
            return linear_model.QuantileRegressor(quantile=level, alpha=0, fit_intercept=bias)
        case Loss.LOGISTIC:
            return linear_model.LogisticRegression(
                C=np.inf, fit_intercept=bias, max_iter=_MOST_ITERATIONS
            )
    raise TrainingError(
        f"The solver exact does not minimise {parameters.loss_function}; it minimises "
        + ", ".join(LOSSES)
    )

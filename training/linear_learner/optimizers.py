"""MXNet's optimizers, for a matrix that holds the weights of many models.

Each has the shape (d + 1, models) or, with k classes, (d + 1, models · k), after any axes of a
stack; the last row holds the biases. ``step`` overwrites the gradient, so that no memory is
allocated.

Formulas: MXNet 1.x, src/operator/optimizer_op-inl.h and python/mxnet/optimizer.
"""

import math
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from training.linear_learner.hyperparameters import Hyperparameters, Optimizer
from training.linear_learner.model import Float32Array

_EPSILON = 1e-8
_RMSPROP_DECAY = 0.9


class OptimizerState(Protocol):
    """An optimizer with what it remembers from one update to the next."""

    def rate_factors(self, updates: NDArray[np.int64]) -> NDArray[np.float64]:
        """What the learning rates of these updates, counted from 1, are multiplied with."""

    def step(self, weights: Float32Array, gradient: Float32Array, rates: Float32Array) -> None:
        """Moves ``weights`` against ``gradient`` at the learning rates of the columns."""


def optimizer_for(parameters: Hyperparameters, shape: tuple[int, ...]) -> OptimizerState:
    """The optimizer that the hyperparameters name, for weights of that shape."""
    bias_rate = 10.0 if parameters.bias_lr_mult is None else parameters.bias_lr_mult
    if not parameters.use_bias:
        bias_rate = 0.0
    if parameters.optimizer is Optimizer.SGD:
        return Sgd(shape, bias_rate, parameters.momentum or 0.0)
    if parameters.optimizer is Optimizer.RMSPROP:
        return RmsProp(shape, bias_rate)
    beta_1 = 0.9 if parameters.beta_1 is None else parameters.beta_1
    beta_2 = 0.999 if parameters.beta_2 is None else parameters.beta_2
    return Adam(shape, bias_rate, beta_1, beta_2)


class Adam:
    """Adam, with the correction of the moments' bias in the learning rate.

    The moments are kept without their factors 1 - beta, which saves two operations an update; the
    learning rate and epsilon make up for it.
    """

    def __init__(
        self, shape: tuple[int, ...], bias_rate: float, beta_1: float, beta_2: float
    ) -> None:
        self._first = np.zeros(shape, np.float32)
        self._second = np.zeros(shape, np.float32)
        self._root = np.empty(shape, np.float32)
        self._bias_rate = np.float32(bias_rate)
        self._beta_1, self._beta_2 = beta_1, beta_2
        self._decay_1, self._decay_2 = np.float32(beta_1), np.float32(beta_2)
        self._epsilon = np.float32(_EPSILON / math.sqrt(1 - beta_2))

    def rate_factors(self, updates: NDArray[np.int64]) -> NDArray[np.float64]:
        scale = (1 - self._beta_1) / math.sqrt(1 - self._beta_2)
        return np.array([scale * self._correction(update) for update in updates.tolist()])

    def _correction(self, update: int) -> float:
        return math.sqrt(1 - self._beta_2**update) / (1 - self._beta_1**update)

    def step(self, weights: Float32Array, gradient: Float32Array, rates: Float32Array) -> None:
        first, second, root = self._first, self._second, self._root
        np.multiply(first, self._decay_1, out=first)
        np.add(first, gradient, out=first)
        np.multiply(second, self._decay_2, out=second)
        np.multiply(gradient, gradient, out=gradient)
        np.add(second, gradient, out=second)
        np.sqrt(second, out=root)
        np.add(root, self._epsilon, out=root)
        np.divide(first, root, out=gradient)
        _scale(gradient, rates, self._bias_rate)
        np.subtract(weights, gradient, out=weights)


class Sgd:
    """Stochastic gradient descent with momentum."""

    def __init__(self, shape: tuple[int, ...], bias_rate: float, momentum: float) -> None:
        self._velocity = np.zeros(shape, np.float32)
        self._bias_rate = np.float32(bias_rate)
        self._momentum = np.float32(momentum)

    def rate_factors(self, updates: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.ones(len(updates))

    def step(self, weights: Float32Array, gradient: Float32Array, rates: Float32Array) -> None:
        _scale(gradient, rates, self._bias_rate)
        self._velocity *= self._momentum
        self._velocity += gradient
        weights -= self._velocity


class RmsProp:
    """RMSProp, not centred, with MXNet's decay of 0.9."""

    def __init__(self, shape: tuple[int, ...], bias_rate: float) -> None:
        self._mean_square = np.zeros(shape, np.float32)
        self._bias_rate = np.float32(bias_rate)

    def rate_factors(self, updates: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.ones(len(updates))

    def step(self, weights: Float32Array, gradient: Float32Array, rates: Float32Array) -> None:
        self._mean_square *= np.float32(_RMSPROP_DECAY)
        self._mean_square += np.float32(1 - _RMSPROP_DECAY) * gradient * gradient
        gradient /= np.sqrt(self._mean_square + np.float32(_EPSILON))
        _scale(gradient, rates, self._bias_rate)
        weights -= gradient


def _scale(gradient: Float32Array, rates: Float32Array, bias_rate: np.float32) -> None:
    np.multiply(gradient, rates, out=gradient)
    biases = gradient[..., -1, :]
    np.multiply(biases, bias_rate, out=biases)

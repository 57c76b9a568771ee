"""Trains many linear models on the same rows at once, one matrix product for all of them."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from training.linear_learner.candidates import Candidate, learning_rates
from training.linear_learner.hyperparameters import Hyperparameters, InitMethod
from training.linear_learner.losses import Labels, LossFunction
from training.linear_learner.model import Float32Array
from training.linear_learner.optimizers import optimizer_for

_EVALUATION_ROWS = 8192
SEED = 0


class ParallelModels:
    """The weights of all candidates, and the mini-batch updates that move them.

    Features are float32 of shape (n, d + 1), normalised, with a last column of ones; so the last
    row of the weights holds the biases.
    """

    def __init__(
        self,
        parameters: Hyperparameters,
        candidates: tuple[Candidate, ...],
        rows: int,
        outputs: int,
    ) -> None:
        self._parameters = parameters
        self._candidates = candidates
        self._outputs = outputs
        self.weights = _initial_weights(parameters, rows, len(candidates), outputs)
        shape = (rows, len(candidates) * outputs)
        self._optimizer = optimizer_for(parameters, shape)
        self._weight_decay = self._per_column([candidate.wd for candidate in candidates])
        self._l1 = self._per_column([candidate.l1 for candidate in candidates])
        self._bias_decay = np.float32(parameters.bias_wd_mult or 0.0)
        self._updates = 0
        self._gradient = np.empty(shape, np.float32)
        self._penalty = np.empty(shape, np.float32)

    def train_epoch(
        self, features: Float32Array, labels: Labels, loss: LossFunction
    ) -> NDArray[np.float64]:
        """One update for each whole mini-batch, in file order; the mean loss of each model.

        The first epoch begins with one update more on the first mini-batch, as the service's does.
        """
        size = self._parameters.mini_batch_size
        starts = list(range(0, len(features) - size + 1, size))
        if self._updates == 0:
            starts.insert(0, 0)
        updates = np.arange(self._updates + 1, self._updates + 1 + len(starts))
        rates = self._rates(updates)
        models = len(self._candidates)
        scores = np.empty((size, models * self._outputs), np.float32)
        losses = np.empty((size, models), np.float32)
        averages = np.full(size, 1 / size, np.float32)
        total, mean = np.zeros(models), np.empty(models, np.float32)
        shaped = self._shaped(scores)
        for start, rate in zip(starts, rates, strict=True):
            batch = features[start : start + size]
            np.dot(batch, self.weights, out=scores)
            loss.step(shaped, labels[start : start + size], losses)
            np.dot(averages, losses, out=mean)
            total += mean
            np.dot(batch.T, scores, out=self._gradient)
            self._update(size, rate)
        self._updates += len(starts)
        return total / len(starts)

    def mean_losses(
        self, features: Float32Array, labels: Labels, loss: LossFunction
    ) -> NDArray[np.float64]:
        """The mean loss of each model over all rows."""
        total = np.zeros(len(self._candidates))
        for rows in _chunks(len(features)):
            scores = self.scores(features[rows])
            losses = np.empty(scores.shape[:2], np.float32)
            loss.step(scores, labels[rows], losses)
            total += losses.sum(axis=0, dtype=np.float64)
        return total / len(features)

    def scores(self, features: Float32Array) -> Float32Array:
        """Scores before the link function: (n, models), or (n, models, k) for k classes."""
        return self._shaped(features @ self.weights)

    def weights_of(self, index: int) -> Float32Array:
        """A copy of one model's weights: (d + 1, k)."""
        first = index * self._outputs
        return self.weights[:, first : first + self._outputs].copy()

    def _update(self, size: int, rate: Float32Array) -> None:
        gradient, penalty = self._gradient, self._penalty
        np.multiply(gradient, np.float32(1 / size), out=gradient)
        np.multiply(self.weights, self._weight_decay, out=penalty)
        penalty[-1] *= self._bias_decay
        np.add(gradient, penalty, out=gradient)
        if self._l1.any():
            gradient[:-1] += self._l1 * np.sign(self.weights[:-1])
        self._optimizer.step(self.weights, gradient, rate)

    def _rates(self, updates: NDArray[np.int64]) -> Float32Array:
        rates = learning_rates(self._candidates, updates, self._parameters.use_lr_scheduler)
        rates = rates * self._optimizer.rate_factors(updates)[:, None]
        return np.repeat(rates, self._outputs, axis=1).astype(np.float32)

    def _per_column(self, values: list[float]) -> Float32Array:
        return np.repeat(np.array(values, np.float32), self._outputs)

    def _shaped(self, scores: Float32Array) -> Float32Array:
        if self._outputs == 1:
            return scores
        return scores.reshape(len(scores), len(self._candidates), self._outputs)


def _initial_weights(
    parameters: Hyperparameters, rows: int, models: int, outputs: int
) -> Float32Array:
    random = np.random.default_rng(SEED)
    shape = (rows, models * outputs)
    if parameters.init_method is InitMethod.NORMAL:
        weights = random.normal(0, parameters.init_sigma, shape)
    else:
        weights = random.uniform(-parameters.init_scale, parameters.init_scale, shape)
    weights[-1] = parameters.init_bias if parameters.use_bias else 0.0
    return weights.astype(np.float32)


def _chunks(rows: int) -> Iterator[slice]:
    for start in range(0, rows, _EVALUATION_ROWS):
        yield slice(start, start + _EVALUATION_ROWS)

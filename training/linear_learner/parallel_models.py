"""Trains many linear models on the same rows at once, one matrix product for all of them."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from training.linear_learner.candidates import Candidate, LearningRates
from training.linear_learner.hyperparameters import Hyperparameters, InitMethod
from training.linear_learner.losses import Labels, LossFunction
from training.linear_learner.model import Float32Array
from training.linear_learner.optimizers import optimizer_for

_EVALUATION_ROWS = 8192
_EVALUATION_SCORES = 1 << 24
_SEED = 0


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
        self._batch_size = parameters.mini_batch_size
        self._models = len(candidates)
        self._outputs = outputs
        shape = (rows, self._models * outputs)
        self.weights = _initial_weights(parameters, shape)
        self._optimizer = optimizer_for(parameters, shape)
        self._rates = LearningRates(candidates, parameters.use_lr_scheduler)
        self._updates = 0
        self._mean = np.float32(1 / parameters.mini_batch_size)
        self._l2 = self._penalties([candidate.wd for candidate in candidates], rows)
        self._l2[-1] *= parameters.bias_wd_mult or 0.0
        self._l1 = self._penalties([candidate.l1 for candidate in candidates], rows)
        self._l1[-1] = 0.0
        self._has_l1 = bool(self._l1.any())
        self._gradient = np.empty(shape, np.float32)
        self._penalty = np.empty(shape, np.float32)

    def train_epoch(
        self, features: Float32Array, labels: Labels, loss: LossFunction
    ) -> NDArray[np.float64]:
        """One update for each whole mini-batch, in file order; the mean loss of each model.

        The first epoch begins with one update more on the first mini-batch, as the service's does.
        """
        size, models = self._batch_size, self._models
        starts = list(range(0, len(features) - size + 1, size))
        if self._updates == 0:
            starts.insert(0, 0)
        scores = np.empty((size, models * self._outputs), np.float32)
        shaped = self._shaped(scores)
        losses = np.empty((size, models), np.float32)
        mean_of_rows = np.full(size, self._mean)
        means = np.empty((len(starts), models), np.float32)
        steps = zip(starts, self._next_rates(len(starts)), means, strict=True)
        for start, rates, mean in steps:
            batch = features[start : start + size]
            np.dot(batch, self.weights, out=scores)
            loss.step(shaped, labels[start : start + size], losses)
            np.dot(mean_of_rows, losses, out=mean)
            np.dot(batch.T, scores, out=self._gradient)
            self._update(rates)
        average: NDArray[np.float64] = means.mean(axis=0, dtype=np.float64)
        return average

    def mean_losses(
        self, features: Float32Array, labels: Labels, loss: LossFunction
    ) -> NDArray[np.float64]:
        """The mean loss of each model over all rows."""
        total = np.zeros(self._models)
        for rows in _chunks(len(features), self.weights.shape[1]):
            scores = self.scores(features[rows])
            losses = np.empty(scores.shape[:2], np.float32)
            loss.step(scores, labels[rows], losses)
            total += np.ones(len(losses), np.float32) @ losses
        return total / len(features)

    def scores(self, features: Float32Array) -> Float32Array:
        """Scores before the link function: (n, models), or (n, models, k) for k classes."""
        return self._shaped(features @ self.weights)

    def weights_of(self, index: int) -> Float32Array:
        """A copy of one model's weights: (d + 1, k)."""
        first = index * self._outputs
        return self.weights[:, first : first + self._outputs].copy()

    def _update(self, rates: Float32Array) -> None:
        gradient, penalty = self._gradient, self._penalty
        np.multiply(gradient, self._mean, out=gradient)
        np.multiply(self.weights, self._l2, out=penalty)
        np.add(gradient, penalty, out=gradient)
        if self._has_l1:
            gradient += self._l1 * np.sign(self.weights)
        self._optimizer.step(self.weights, gradient, rates)

    def _next_rates(self, count: int) -> Float32Array:
        """The learning rates of the next updates, one for each column of the weights."""
        updates = np.arange(self._updates + 1, self._updates + 1 + count)
        self._updates += count
        rates = self._rates.at(updates) * self._optimizer.rate_factors(updates)[:, None]
        return rates.astype(np.float32).repeat(self._outputs, axis=1)

    def _penalties(self, values: list[float], rows: int) -> Float32Array:
        """One penalty a model, in the shape of the weights."""
        return np.tile(np.array(values, np.float32).repeat(self._outputs), (rows, 1))

    def _shaped(self, scores: Float32Array) -> Float32Array:
        if self._outputs == 1:
            return scores
        return scores.reshape(len(scores), self._models, self._outputs)


def _initial_weights(parameters: Hyperparameters, shape: tuple[int, int]) -> Float32Array:
    random = np.random.default_rng(_SEED)
    if parameters.init_method is InitMethod.NORMAL:
        weights = random.normal(0, parameters.init_sigma, shape)
    else:
        weights = random.uniform(-parameters.init_scale, parameters.init_scale, shape)
    weights[-1] = parameters.init_bias if parameters.use_bias else 0.0
    return weights.astype(np.float32)


def _chunks(rows: int, columns: int) -> Iterator[slice]:
    size = min(_EVALUATION_ROWS, max(1, _EVALUATION_SCORES // columns))
    for start in range(0, rows, size):
        yield slice(start, start + size)

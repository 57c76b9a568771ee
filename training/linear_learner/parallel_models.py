"""Trains many linear models at once: all candidates of one data set, and several data sets.

Data sets that need the same number of updates an epoch are trained together, as a stack of matrix
products: most of the time of a small one goes into calling numpy. Each product is computed by
itself, so that a model's bits do not depend on what it is stacked with.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from training.linear_learner.candidates import Candidate, LearningRates
from training.linear_learner.hyperparameters import Hyperparameters, InitMethod
from training.linear_learner.losses import Labels, Step
from training.linear_learner.model import Float32Array
from training.linear_learner.optimizers import optimizer_for

_EVALUATION_ROWS = 8192
_EVALUATION_SCORES = 1 << 24
_SEED = 0


class ParallelModels:
    """The weights of all candidates, and the mini-batch updates that move them.

    Features are float32 of shape (stack, n, d + 1), normalised, with a last column of ones; so the
    last row of the weights, (stack, d + 1, models · k), holds the biases.
    """

    def __init__(
        self,
        parameters: Hyperparameters,
        candidates: tuple[Candidate, ...],
        stack: int,
        rows: int,
    ) -> None:
        self._batch_size = parameters.mini_batch_size
        self._models = len(candidates)
        self._outputs = parameters.outputs
        columns = self._models * self._outputs
        shape = (stack, rows, columns)
        self.weights = np.repeat(_initial_weights(parameters, shape[1:])[None], stack, axis=0)
        self._optimizer = optimizer_for(parameters, shape)
        self._rates = LearningRates(candidates, parameters.use_lr_scheduler)
        self._updates = 0
        self._mean = np.float32(1 / self._batch_size)
        self._l2 = self._penalties([candidate.wd for candidate in candidates], rows)
        self._l2[-1] *= parameters.bias_wd_mult or 0.0
        self._l1 = self._penalties([candidate.l1 for candidate in candidates], rows)
        self._l1[-1] = 0.0
        self._has_l1 = bool(self._l1.any())
        self._gradient = np.empty(shape, np.float32)
        self._penalty = np.empty(shape, np.float32)
        self._scores = np.empty((stack, self._batch_size, columns), np.float32)
        self._losses = np.empty((stack, self._batch_size, self._models), np.float32)

    def train_epoch(
        self, features: Float32Array, labels: Labels, step: Step
    ) -> NDArray[np.float64]:
        """One update for each whole mini-batch, in file order.

        Returns the mean loss of each model, of shape (stack, models). The first epoch begins with
        one update more on the first mini-batch, as the service's does.
        """
        size = self._batch_size
        starts = list(range(0, features.shape[1] - size + 1, size))
        if self._updates == 0:
            starts.insert(0, 0)
        shaped = self._shaped(self._scores)
        mean_of_rows = np.full(size, self._mean)
        means = np.empty((len(starts), len(features), self._models), np.float32)
        steps = zip(starts, self._next_rates(len(starts)), means, strict=True)
        for start, rates, mean in steps:
            batch = features[:, start : start + size]
            np.matmul(batch, self.weights, out=self._scores)
            step(shaped, labels[:, start : start + size], self._losses)
            np.matmul(mean_of_rows, self._losses, out=mean)
            np.matmul(batch.transpose(0, 2, 1), self._scores, out=self._gradient)
            self._update(rates)
        average: NDArray[np.float64] = means.mean(axis=0, dtype=np.float64)
        return average

    def mean_losses(
        self, members: slice | list[int], features: Float32Array, labels: Labels, step: Step
    ) -> NDArray[np.float64]:
        """The mean loss of each model over all rows, for these members of the stack."""
        total = np.zeros((len(features), self._models))
        weights = self.weights[members]
        for rows in _chunks(features.shape[1], weights.shape[2]):
            scores = self._shaped(features[:, rows] @ weights)
            losses = np.empty((*scores.shape[:2], self._models), np.float32)
            step(scores, labels[:, rows], losses)
            total += np.ones(losses.shape[1], np.float32) @ losses
        total /= features.shape[1]
        return total

    def scores(self, member: int, features: Float32Array) -> Float32Array:
        """Scores of one member's rows before the link function: (n, models)."""
        scores: Float32Array = features @ self.weights[member]
        return scores

    def weights_of(self, member: int, index: int) -> Float32Array:
        """A copy of one model's weights: (d + 1, k)."""
        first = index * self._outputs
        return self.weights[member, :, first : first + self._outputs].copy()

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
        """One penalty a model, in the shape of the weights of one member."""
        return np.tile(np.array(values, np.float32).repeat(self._outputs), (rows, 1))

    def _shaped(self, scores: Float32Array) -> Float32Array:
        if self._outputs == 1:
            return scores
        return scores.reshape(*scores.shape[:2], self._models, self._outputs)


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

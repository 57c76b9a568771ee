"""The models that are trained in parallel: close hyperparameters, one set for each."""

import math
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.linear_learner.hyperparameters import Hyperparameters, Optimizer

_LEARNING_RATE_FACTOR = 0.99
_MOST_OUTPUTS = 1 << 17
"""Of all models together, where their number is ours to choose: 32 models of 4,096 classes."""
Values = NDArray[np.float64]


class Candidate(NamedTuple):
    """What one of the parallel models is trained with."""

    wd: float
    learning_rate: float
    lr_scheduler_minimum_lr: float
    lr_scheduler_step: int
    l1: float
    lr_scheduler_factor: float


@dataclass(frozen=True)
class _Axis:
    """The values that one hyperparameter takes, and the one that a single model is given."""

    values: tuple[float, ...]
    home: float

    def around(self, given: float | None) -> "_Axis":
        """With the value nearest to the given one replaced by it."""
        if given is None:
            return self
        nearest = min(self.values, key=lambda value: abs(math.log(value / max(given, 1e-300))))
        values = tuple(given if value == nearest else value for value in self.values)
        return _Axis(values, given)


# As the public logs of the service show for regressors and binary classifiers: model m of 32 has
# wd[m // 8], learning_rate[m // 4 % 2], minimum[m // 2 % 2] and step[m % 2].
_WD = _Axis((1e-4, 1e-2, 1.0, 100.0), home=1e-4)
_LEARNING_RATE = _Axis((0.005, 0.1), home=0.1)
_MINIMUM = _Axis((1e-5, 1e-4), home=1e-5)
_STEP = _Axis((10, 100), home=100)


def models_of(parameters: Hyperparameters) -> int:
    """How many models are trained: where ``num_models`` is auto 32, fewer of very many classes."""
    return parameters.num_models or min(32, max(1, _MOST_OUTPUTS // parameters.outputs))


def candidates_for(parameters: Hyperparameters) -> tuple[Candidate, ...]:
    """One for each of the models.

    A given value takes the place of the nearest one, so that one model is trained with what was
    given and the others with close values, as documented. Fewer models are those that differ least
    from the given or default values; beyond 32 the sets repeat, with other initial weights.
    """
    axes = (
        _WD.around(parameters.wd),
        _LEARNING_RATE.around(parameters.learning_rate),
        _MINIMUM.around(parameters.lr_scheduler_minimum_lr),
        _STEP.around(parameters.lr_scheduler_step),
    )
    home = tuple(axis.home for axis in axes)
    points = list(product(*(axis.values for axis in axes)))
    count = models_of(parameters)
    if count < len(points):
        points.sort(key=lambda point: sum(a != b for a, b in zip(point, home, strict=True)))
    factor = parameters.lr_scheduler_factor or _LEARNING_RATE_FACTOR
    chosen = (points[index % len(points)] for index in range(count))
    return tuple(
        Candidate(wd, rate, minimum, int(step), parameters.l1 or 0.0, factor)
        for wd, rate, minimum, step in chosen
    )


class LearningRates:
    """The learning rates of all candidates, by MXNet's FactorScheduler.

    Every ``lr_scheduler_step`` updates the rate is multiplied with ``lr_scheduler_factor``, down to
    the minimum. Without a schedule it stays.
    """

    def __init__(self, candidates: tuple[Candidate, ...], scheduled: bool) -> None:
        self._base = np.array([candidate.learning_rate for candidate in candidates])
        self._step = np.array([candidate.lr_scheduler_step for candidate in candidates])
        self._factor = np.array([candidate.lr_scheduler_factor for candidate in candidates])
        minimum = np.array([candidate.lr_scheduler_minimum_lr for candidate in candidates])
        self._minimum = np.minimum(minimum, self._base)
        if not scheduled:
            self._factor[:] = 1

    def at(self, updates: NDArray[np.int64]) -> Values:
        """The rates of these updates, counted from 1: (updates, candidates)."""
        decay = self._factor ** ((updates[:, None] - 1) // self._step)
        rates: Values = np.maximum(self._base * decay, self._minimum)
        return rates


def describe(candidate: Candidate, optimizer: Optimizer) -> dict[str, object]:
    """What the log line "Best model found for hyperparameters" shows, in its order."""
    return {
        "optimizer": str(Optimizer.ADAM if optimizer is Optimizer.AUTO else optimizer),
        "learning_rate": candidate.learning_rate,
        "l1": candidate.l1,
        "wd": candidate.wd,
        "lr_scheduler_step": candidate.lr_scheduler_step,
        "lr_scheduler_factor": candidate.lr_scheduler_factor,
        "lr_scheduler_minimum_lr": candidate.lr_scheduler_minimum_lr,
    }

"""The strategies of a tuning job: what to try next, given what was tried.

https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-how-it-works.html
"""

import itertools
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from localaws.jobs.tuning.gaussian_process import GaussianProcess, Numbers, expected_improvement
from localaws.jobs.tuning.ranges import CategoricalRange, Range

Values = Mapping[str, str]
"""Of the hyperparameters that are tuned, by name."""

DRAWS = 100
"""How often is drawn until there is something that was not tried."""
FIRST_RANDOM = 3
"""Bayesian search draws at random until it has seen this many objectives."""
CANDIDATES = 500
NEIGHBOURS = 100
NEIGHBOUR_DEVIATION = 0.05
MOST_OBSERVATIONS = 200
"""Of more, the newest count: the model takes time with the third power of their number."""


@dataclass(frozen=True)
class Trial:
    """Values that a training job has; ``objective`` is None until it is known, less is better."""

    values: Values
    objective: float | None = None


class Search(Protocol):
    """Proposes values; None when there are no others."""

    def propose(self, trials: Sequence[Trial]) -> Values | None: ...


class RandomSearch:
    """Draws each value anew; not the same combination twice, where others are found soon."""

    def __init__(self, ranges: Sequence[Range], seed: int | None) -> None:
        self._ranges = ranges
        self._random = random.Random(seed)

    def propose(self, trials: Sequence[Trial]) -> Values | None:
        tried = [trial.values for trial in trials]
        for _ in range(DRAWS):
            drawn = self.draw()
            if drawn not in tried:
                break
        return drawn

    def draw(self) -> Values:
        """Values at random, tried or not."""
        return {each.name: each.value(self._random.random()) for each in self._ranges}

    def near(self, values: Values) -> Values:
        """Values close to others."""
        return {each.name: self._near(each, values[each.name]) for each in self._ranges}

    def _near(self, of: Range, value: str) -> str:
        if isinstance(of, CategoricalRange):
            return of.value(self._random.random()) if self._random.random() < 0.1 else value
        position = self._random.gauss(of.features(value)[0], NEIGHBOUR_DEVIATION)
        return of.value(min(1.0, max(0.0, position)))


class GridSearch:
    """Every combination of categorical values, once."""

    def __init__(self, ranges: Sequence[CategoricalRange]) -> None:
        names = [each.name for each in ranges]
        self._left = (
            dict(zip(names, values, strict=True))
            for values in itertools.product(*(each.values for each in ranges))
        )

    def propose(self, trials: Sequence[Trial]) -> Values | None:
        return next(self._left, None)


class BayesianSearch:
    """Where a Gaussian process expects the greatest improvement, among values that are drawn.

    What training jobs that still run will say is taken to be what the process expects of them.
    """

    def __init__(self, ranges: Sequence[Range], seed: int | None) -> None:
        self._ranges = ranges
        self._random = RandomSearch(ranges, seed)

    def propose(self, trials: Sequence[Trial]) -> Values | None:
        seen = [trial for trial in trials if trial.objective is not None][-MOST_OBSERVATIONS:]
        if len(seen) < FIRST_RANDOM:
            return self._random.propose(trials)
        inputs = self._features([trial.values for trial in seen])
        outputs = np.array([trial.objective for trial in seen], dtype=float)
        process = GaussianProcess.fit(inputs, outputs)
        pending = [trial.values for trial in trials if trial.objective is None]
        if pending:
            believed = self._features(pending)
            process = GaussianProcess.fit(
                np.vstack([inputs, believed]),
                np.concatenate([outputs, process.predict(believed)[0]]),
            )
        best = min(seen, key=lambda trial: trial.objective or 0.0)
        tried = [trial.values for trial in trials]
        drawn = [self._random.draw() for _ in range(CANDIDATES)]
        drawn += [self._random.near(best.values) for _ in range(NEIGHBOURS)]
        candidates = [values for values in drawn if values not in tried]
        if not candidates:
            return self._random.propose(trials)
        means, deviations = process.predict(self._features(candidates))
        gains = expected_improvement(means, deviations, float(outputs.min()))
        return candidates[int(np.argmax(gains))]

    def _features(self, rows: Sequence[Values]) -> Numbers:
        return np.array(
            [
                [feature for each in self._ranges for feature in each.features(row[each.name])]
                for row in rows
            ],
            dtype=float,
        )


def combinations(ranges: Sequence[Range]) -> float:
    """How many there are."""
    return math.prod(each.size for each in ranges)


def search_of(strategy: str, ranges: Sequence[Range], seed: int | None) -> Search:
    """The search of a Strategy; Hyperband draws as Random does, and stops no job early."""
    if strategy == "Grid":
        return GridSearch([each for each in ranges if isinstance(each, CategoricalRange)])
    if strategy == "Bayesian":
        return BayesianSearch(ranges, seed)
    return RandomSearch(ranges, seed)

"""A small Gaussian process: what is to be expected of values that were not tried.

Rasmussen and Williams, Gaussian Processes for Machine Learning, algorithm 2.1 and chapter 5.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

LENGTH_SCALES = (0.1, 0.2, 0.4, 0.8, 1.6)
NOISES = (1e-6, 1e-2, 1e-1)
"""Of the variance of what was observed."""


@dataclass(frozen=True)
class GaussianProcess:
    """A Matérn 5/2 kernel over the unit cube, of the length and noise that make the data likeliest.

    ``inputs`` has a row an observation.
    """

    inputs: Numbers
    length: float
    mean: float
    deviation: float
    factor: Numbers
    weights: Numbers

    @classmethod
    def fit(cls, inputs: Numbers, outputs: Numbers) -> "GaussianProcess":
        mean, deviation = float(outputs.mean()), float(outputs.std()) or 1.0
        scaled = (outputs - mean) / deviation
        fitted = []
        for length, noise in itertools.product(LENGTH_SCALES, NOISES):
            kernel = _kernel(inputs, inputs, length) + noise * np.eye(len(inputs))
            factor: Numbers = np.linalg.cholesky(kernel).astype(np.float64)
            weights = np.linalg.solve(factor.T, np.linalg.solve(factor, scaled))
            likelihood = -0.5 * float(scaled @ weights) - float(np.log(np.diag(factor)).sum())
            fitted.append((likelihood, cls(inputs, length, mean, deviation, factor, weights)))
        return max(fitted, key=lambda pair: pair[0])[1]

    def predict(self, inputs: Numbers) -> tuple[Numbers, Numbers]:
        """The expected outputs, and their standard deviations."""
        kernel = _kernel(inputs, self.inputs, self.length)
        spread = np.linalg.solve(self.factor, kernel.T)
        variance = np.maximum(1.0 - (spread**2).sum(axis=0), 1e-12)
        means: Numbers = self.mean + self.deviation * (kernel @ self.weights)
        return means, self.deviation * np.sqrt(variance)


def expected_improvement(means: Numbers, deviations: Numbers, best: float) -> Numbers:
    """By how much each is expected to be below ``best``."""
    z = (best - means) / deviations
    density = np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
    below = np.array([0.5 * math.erfc(-value / math.sqrt(2)) for value in z])
    gains: Numbers = (best - means) * below + deviations * density
    return gains


def _kernel(left: Numbers, right: Numbers, length: float) -> Numbers:
    squares = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1) - 2 * left @ right.T
    distance = np.sqrt(np.maximum(squares, 0.0)) * (math.sqrt(5) / length)
    kernel: Numbers = (1 + distance + distance**2 / 3) * np.exp(-distance)
    return kernel

"""Optimizers, each against its formula written out for a single weight."""

import math
from collections.abc import Iterator

import numpy as np
import pytest

from training.linear_learner.hyperparameters import Hyperparameters
from training.linear_learner.optimizers import optimizer_for

GRADIENTS = [0.5, -1.5, 2.0, 0.25, -0.125, 0.0, 3.0]
RATE = 0.1


def adam() -> Iterator[float]:
    """MXNet: the bias of the moments is corrected in the learning rate, epsilon is outside."""
    first = second = 0.0
    for update, gradient in enumerate(GRADIENTS, 1):
        first = 0.8 * first + 0.2 * gradient
        second = 0.99 * second + 0.01 * gradient**2
        rate = RATE * math.sqrt(1 - 0.99**update) / (1 - 0.8**update)
        yield rate * first / (math.sqrt(second) + 1e-8)


def sgd() -> Iterator[float]:
    velocity = 0.0
    for gradient in GRADIENTS:
        velocity = 0.5 * velocity + RATE * gradient
        yield velocity


def rmsprop() -> Iterator[float]:
    mean_square = 0.0
    for gradient in GRADIENTS:
        mean_square = 0.9 * mean_square + 0.1 * gradient**2
        yield RATE * gradient / math.sqrt(mean_square + 1e-8)


def weights_after(expected_steps: int, **values: str) -> list[tuple[float, float]]:
    """The weight and the bias after each update; both get the same gradients."""
    parameters = Hyperparameters.parse({"predictor_type": "regressor", **values})
    optimizer = optimizer_for(parameters, (2, 1))
    weights = np.zeros((2, 1), np.float32)
    seen = []
    for update, gradient in enumerate(GRADIENTS[:expected_steps], 1):
        factor = optimizer.rate_factors(np.array([update]))[0]
        rates = np.array([RATE * factor], np.float32)
        optimizer.step(weights, np.full((2, 1), gradient, np.float32), rates)
        seen.append((float(weights[0, 0]), float(weights[1, 0])))
    return seen


@pytest.mark.parametrize(
    ("values", "steps"),
    [
        ({"optimizer": "adam", "beta_1": "0.8", "beta_2": "0.99"}, adam()),
        ({"optimizer": "sgd", "momentum": "0.5"}, sgd()),
        ({"optimizer": "rmsprop"}, rmsprop()),
    ],
    ids=["adam", "sgd", "rmsprop"],
)
def test_an_optimizer_moves_weights_by_its_formula_and_biases_ten_times_as_far(
    values: dict[str, str], steps: Iterator[float]
) -> None:
    expected = -np.cumsum(list(steps))
    seen = np.array(weights_after(len(GRADIENTS), **values))
    assert seen[:, 0] == pytest.approx(expected, rel=1e-5)
    assert seen[:, 1] == pytest.approx(10 * expected, rel=1e-5)


def test_auto_is_adam() -> None:
    assert weights_after(3) == weights_after(3, optimizer="adam")


def test_bias_lr_mult_replaces_the_ten() -> None:
    weight, bias = weights_after(1, bias_lr_mult="3")[0]
    assert bias == pytest.approx(3 * weight)


def test_without_a_bias_the_bias_does_not_move() -> None:
    assert [bias for _, bias in weights_after(7, use_bias="false")] == [0] * 7

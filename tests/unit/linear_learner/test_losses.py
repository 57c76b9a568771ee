"""Loss functions: their values by AWS's formulas, their derivatives by differences."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.linear_learner.hyperparameters import Hyperparameters
from training.linear_learner.losses import LossFunction, loss_function, positives_weighted, softmax

REGRESSION: dict[str, tuple[dict[str, str], Callable[[float], float]]] = {
    "squared_loss": ({}, lambda e: e**2),
    "absolute_loss": ({}, abs),
    "quantile_loss": ({"quantile": "0.9"}, lambda e: max(-0.9 * e, 0.1 * e)),
    "huber_loss": (
        {"huber_delta": "0.5"},
        lambda e: e**2 / 2 if abs(e) < 0.5 else abs(e) * 0.5 - 0.125,
    ),
    "eps_insensitive_squared_loss": (
        {"loss_insensitivity": "0.25"},
        lambda e: max(0.0, e**2 - 0.25**2),
    ),
    "eps_insensitive_absolute_loss": (
        {"loss_insensitivity": "0.25"},
        lambda e: max(0.0, abs(e) - 0.25),
    ),
}
HALVED = {"squared_loss", "eps_insensitive_squared_loss"}
"""Their derivatives leave out the factor 2, as MXNet's do."""

SCORES = st.floats(-3, 3, width=32)


def loss_named(name: str, **values: str) -> LossFunction:
    predictor_type = "regressor" if name in REGRESSION else "binary_classifier"
    defaults, _ = REGRESSION.get(name, ({}, None))
    parameters = {"predictor_type": predictor_type, "loss": name, **defaults, **values}
    return loss_function(Hyperparameters.parse(parameters))


def evaluate(loss: LossFunction, score: float, label: float) -> tuple[float, float]:
    """The loss of one row under one model, and its derivative."""
    scores = np.array([[score]], np.float32)
    losses = np.empty((1, 1), np.float32)
    loss.step(scores, np.array([[label]], np.float32), losses)
    return float(losses[0, 0]), float(scores[0, 0])


@pytest.mark.parametrize("name", REGRESSION)
@given(score=SCORES, label=SCORES)
def test_a_regression_loss_has_the_value_of_its_formula(
    name: str, score: float, label: float
) -> None:
    loss = loss_named(name)
    value, _ = evaluate(loss, score, label)
    assert loss.unit * value == pytest.approx(REGRESSION[name][1](score - label), abs=1e-5)


@pytest.mark.parametrize("name", [*REGRESSION, "logistic", "hinge_loss"])
@given(score=SCORES, positive=st.booleans())
def test_a_derivative_is_the_slope_of_the_loss(name: str, score: float, positive: bool) -> None:
    loss, label, width = loss_named(name), float(positive), 1 / 64
    before, slope_before = evaluate(loss, score - width, label)
    after, slope_after = evaluate(loss, score + width, label)
    slope = (after - before) / (2 * width) / (2 if name in HALVED else 1)
    smallest, greatest = sorted((slope_before, slope_after))
    assert smallest - 1e-3 <= slope <= greatest + 1e-3


@pytest.mark.parametrize("delta", ["1e-30", "0.001", "0.5", "2"])
def test_huber_loss_is_steep_enough_to_be_learned_however_small_its_delta(delta: str) -> None:
    loss = loss_named("huber_loss", huber_delta=delta)
    assert evaluate(loss, 9, 0)[1] == max(float(delta), 1)


@given(score=SCORES)
def test_logistic_loss_is_the_negative_logarithm_of_the_probability(score: float) -> None:
    probability = 1 / (1 + np.exp(-score))
    positive, _ = evaluate(loss_named("logistic"), score, 1)
    negative, _ = evaluate(loss_named("logistic"), score, 0)
    assert positive == pytest.approx(-np.log(probability), abs=1e-6)
    assert negative == pytest.approx(-np.log(1 - probability), abs=1e-6)


@pytest.mark.filterwarnings("error")
def test_logistic_loss_does_not_overflow() -> None:
    assert evaluate(loss_named("logistic"), -1000, 1) == (1000, -1)
    assert evaluate(loss_named("logistic"), 1000, 1) == (0, 0)


@pytest.mark.parametrize(
    ("score", "label", "expected"), [(1, 1, 0), (0.5, 1, 0.5), (-1, 1, 2), (0, 0, 0), (1, 0, 1)]
)
def test_hinge_loss_asks_for_a_margin_around_one_half(
    score: float, label: float, expected: float
) -> None:
    assert evaluate(loss_named("hinge_loss", margin="1"), score, label)[0] == expected


def test_a_wider_margin_costs_more() -> None:
    assert evaluate(loss_named("hinge_loss", margin="3"), 1, 1)[0] == 1


def test_positive_rows_count_by_their_weight_and_others_once() -> None:
    loss = loss_named("logistic")
    weighted = LossFunction("", positives_weighted(loss.step, 5))
    for score in (-1.0, 2.0):
        assert evaluate(weighted, score, 0) == evaluate(loss, score, 0)
        value, derivative = evaluate(loss, score, 1)
        assert evaluate(weighted, score, 1) == pytest.approx((5 * value, 5 * derivative))


def test_softmax_loss_is_the_negative_logarithm_of_the_probability_of_the_class() -> None:
    margins = np.array([[[1.0, 2.0, 0.5]], [[-1.0, 0.0, 3.0]]], np.float32)
    labels = np.array([1, 0])[:, None, None]
    probabilities = np.exp(margins) / np.exp(margins).sum(axis=2, keepdims=True)
    scores, losses = margins.copy(), np.empty((2, 1), np.float32)
    softmax(None)(scores, labels, losses)
    assert losses[:, 0] == pytest.approx(-np.log([probabilities[0, 0, 1], probabilities[1, 0, 0]]))
    assert scores == pytest.approx(probabilities - np.eye(3)[labels[:, :, 0]])


def test_class_weights_scale_the_rows_of_their_class() -> None:
    margins = np.array([[[1.0, 2.0, 0.5]], [[1.0, 2.0, 0.5]]], np.float32)
    labels = np.array([1, 1])[:, None, None]
    plain, weighted = margins.copy(), margins.copy()
    plain_losses, weighted_losses = np.empty((2, 1, 2), np.float32).transpose(2, 0, 1)
    softmax(None)(plain, labels, plain_losses)
    softmax(np.array([1, 4, 1], np.float32))(weighted, labels, weighted_losses)
    assert weighted_losses == pytest.approx(4 * plain_losses)
    assert weighted == pytest.approx(4 * plain)


@pytest.mark.parametrize("name", REGRESSION)
def test_a_loss_of_normalised_labels_converts_to_the_unit_of_the_label(name: str) -> None:
    stdev, score, label = 50.0, 130.0, 100.0
    parameters = {"predictor_type": "regressor", "loss": name, **REGRESSION[name][0]}
    normalised = loss_function(Hyperparameters.parse(parameters), stdev_label=stdev)
    value, _ = evaluate(normalised, score / stdev, label / stdev)
    loss = loss_named(name)
    own_unit, _ = evaluate(loss, score, label)
    assert normalised.unit * value == pytest.approx(loss.unit * own_unit, rel=1e-4)

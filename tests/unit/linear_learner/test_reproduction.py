"""Public runs of the real service, run again; docs/linear-learner.md has the table."""

from itertools import chain

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.linear_learner_reproduction import (
    ABALONE_ABSOLUTE_LOSS,
    ABALONE_MSE,
    ABALONE_SPLIT_ABSOLUTE_LOSS,
    ABALONE_SPLIT_MSE,
    HOUSING_MEAN_ABSOLUTE_ERROR,
    HOUSING_SEEDS,
    City,
    abalone,
    abalone_split,
    market,
    mean_absolute_error,
    real_mean_absolute_error,
    train_city,
)
from training.linear_learner.trainer import TrainingResult

Float64Array = NDArray[np.float64]

HOUSING_BAND = (3280, 5118)
"""The tenth and the ninetieth percentile of 40 cities, by another re-creation of the trainer."""


def test_abalone_ends_within_half_a_percent_of_the_real_run() -> None:
    metrics = abalone().metrics
    assert metrics["train:mse"] == pytest.approx(ABALONE_MSE, rel=0.005)
    assert metrics["train:absolute_loss"] == pytest.approx(ABALONE_ABSOLUTE_LOSS, rel=0.005)


def test_the_real_run_on_a_split_of_abalone_lies_among_ours_on_random_splits() -> None:
    runs = [abalone_split(seed).metrics for seed in range(20)]
    assert lies_among(
        ABALONE_SPLIT_ABSOLUTE_LOSS, np.array([r["validation:absolute_loss"] for r in runs])
    )
    assert lies_among(ABALONE_SPLIT_MSE, np.array([r["validation:mse"] for r in runs]))


@pytest.fixture(scope="module")
def markets() -> list[list[City]]:
    return [market(seed) for seed in HOUSING_SEEDS]


@pytest.fixture(scope="module")
def models(markets: list[list[City]]) -> list[list[TrainingResult]]:
    return [[train_city(one) for one in cities] for cities in markets]


@pytest.fixture(scope="module")
def errors(markets: list[list[City]], models: list[list[TrainingResult]]) -> Float64Array:
    """Mean absolute errors on the test houses, shape (seeds, cities)."""
    return np.array(
        [
            [mean_absolute_error(model, one.test) for model, one in zip(*pair, strict=True)]
            for pair in zip(models, markets, strict=True)
        ]
    )


class TestHousing:
    """The notebook, run with 40 seeds; the real model is one city's."""

    def test_the_median_error_is_the_real_one(self, errors: Float64Array) -> None:
        assert np.median(errors) == pytest.approx(HOUSING_MEAN_ABSOLUTE_ERROR, rel=0.03)

    def test_the_real_error_lies_among_those_of_our_cities(self, errors: Float64Array) -> None:
        assert lies_among(HOUSING_MEAN_ABSOLUTE_ERROR, errors)

    def test_the_mean_error_of_every_seed_lies_in_the_band(self, errors: Float64Array) -> None:
        low, high = HOUSING_BAND
        of_a_seed = errors.mean(axis=1)
        assert low <= of_a_seed.min() <= of_a_seed.max() <= high

    def test_the_real_answers_are_as_good_as_ours_on_the_same_houses(
        self, markets: list[list[City]], models: list[list[TrainingResult]]
    ) -> None:
        pairs = zip(chain(*models), chain(*markets), strict=True)
        errors = [mean_absolute_error(model, one.real_questions) for model, one in pairs]
        assert lies_among(real_mean_absolute_error(), np.array(errors))


def lies_among(value: float, values: Float64Array) -> bool:
    """Whether the value lies between the tenth and the ninetieth percentile."""
    low, high = np.percentile(values, [10, 90])
    return bool(low <= value <= high)

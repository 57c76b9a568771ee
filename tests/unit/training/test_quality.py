"""What the models are worth, by the pipeline's own steps without the services between them.

The band is that of the real service with the notebook's market: on 401 houses the notebook's real
endpoint had a mean absolute error of $4,117 (outputs kept in the history of
aws/amazon-sagemaker-examples), and 40 draws of the market lie between 3,280 and 5,118 in their
middle 80 %.
"""

from collections.abc import Mapping
from statistics import median

import numpy as np
import pytest

from fleet.schema import HOUSES
from tests.unit.training.preprocessors import SCHEMA
from training.dataset import TRAIN_SHARE, split_lines
from training.endpoint import absolute_error, percentage_error
from training.fleet_trainer.recipe import LINEAR_LEARNER_DEFAULTS
from training.houses import CITIES, Market
from training.linear_learner.hyperparameters import Hyperparameters
from training.linear_learner.predictor import predict
from training.linear_learner.trainer import train
from training.linear_learner.wire.training_data import read_training_csv
from training.preprocessor import sklearn_preprocessor as script
from training.table import split


def errors_by_city(market: Market) -> Mapping[str, tuple[float, float]]:
    """MAE in dollars and MAPE as a fraction, of each city's test houses."""
    parts = {city: split(market.houses(city), TRAIN_SHARE) for city in CITIES}
    everything = "".join(train_part.to_csv() for train_part, _ in parts.values())
    preprocessor = script.fold(script.fit(script.parse_csv(everything, SCHEMA)), SCHEMA)
    errors = {}
    for city, (train_part, test_part) in parts.items():
        rows, _ = script.transform(preprocessor, train_part.to_csv(), "text/csv", "text/csv")
        fit, validation = split_lines(rows.encode(), expected=len(train_part), name=city)
        model = train(
            Hyperparameters.parse({**LINEAR_LEARNER_DEFAULTS, **HOUSES.hyperparameters}),
            read_training_csv(fit, "train.csv"),
            read_training_csv(validation, "validation.csv"),
            log=lambda line: None,
        ).model
        table = script.parse_csv(test_part.without_label().to_csv(), SCHEMA)
        features = preprocessor.transform(table).astype(np.float32)
        predicted = predict(model, features).scores.astype(np.float64)
        assert test_part.label is not None
        errors[city] = (
            absolute_error(predicted, test_part.label),
            percentage_error(predicted, test_part.label),
        )
    return errors


@pytest.mark.parametrize("seed", [0, 1])
def test_on_the_notebooks_market_errors_are_those_of_the_real_service(seed: int) -> None:
    errors = errors_by_city(Market.notebook(seed))
    assert 3280 <= median(absolute for absolute, _ in errors.values()) <= 5118


def test_on_the_default_market_every_city_is_within_two_percent() -> None:
    errors = errors_by_city(Market())
    assert {city: percent for city, (_, percent) in errors.items() if percent > 0.02} == {}


def test_a_model_is_worth_more_than_the_mean_price() -> None:
    # The band above would mean nothing if any model stayed within it.
    price = Market.notebook().houses("NewYork_NY").label
    assert price is not None
    assert absolute_error(np.full_like(price, price.mean()), price) > 50_000

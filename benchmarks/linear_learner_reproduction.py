"""Public runs of the service's Linear Learner, run again with ours.

docs/linear-learner.md says where each real figure was published, and what differs.
"""

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fleet.schema import HOUSES
from training.houses import CITIES, Market
from training.linear_learner.hyperparameters import Hyperparameters
from training.linear_learner.model import Dataset, Float32Array
from training.linear_learner.predictor import predict
from training.linear_learner.trainer import TrainingResult, train
from training.table import Table

DATA = Path(__file__).parents[1] / "tests" / "data" / "linear_learner"

ABALONE_MSE = 5.1011368439
ABALONE_ABSOLUTE_LOSS = 1.59498387557
ABALONE_SPLIT_ABSOLUTE_LOSS = 1.60554397144
ABALONE_SPLIT_MSE = 5.50183371
HOUSING_MEAN_ABSOLUTE_ERROR = 4117.0
HOUSING_SEEDS = range(40)
"""Runs of the notebook. The error of one city varies by a quarter, the median of 40 cities still by
4 %; the median of 40 runs of ten cities varies by 1 %."""

TRAINING_HOUSES, VALIDATION_HOUSES, TEST_HOUSES = 629, 270, 401
HOUSING_HYPERPARAMETERS = {
    "feature_dim": "10",
    "mini_batch_size": "100",
    "predictor_type": "regressor",
    "epochs": "10",
    "num_models": "32",
    "loss": "absolute_loss",
}


def abalone() -> TrainingResult:
    """All 4177 rows: 7 standardised measures and the sex, one-hot; no validation data."""
    sexes, measures, rings = _read_abalone()
    measures = (measures - measures.mean(axis=0)) / measures.std(axis=0)
    one_hot = sexes[:, None] == np.array(["M", "F", "I"])
    parameters = {"predictor_type": "regressor", "feature_dim": "10", "mini_batch_size": "32"}
    data = Dataset(np.hstack([measures, one_hot]).astype(np.float32), rings)
    return train(Hyperparameters.parse(parameters), data)


def abalone_split(seed: int) -> TrainingResult:
    """2923 rows to train on and 627 to validate on; 8 features, the sex as a number."""
    sexes, measures, rings = _read_abalone()
    numbers = np.select([sexes == "M", sexes == "F"], [1, 2], default=3)
    features = np.column_stack([numbers, measures]).astype(np.float32)
    order = np.random.default_rng(seed).permutation(len(rings))
    training, validation = order[:2923], order[2923:3550]
    parameters = {
        "predictor_type": "regressor",
        "loss": "absolute_loss",
        "mini_batch_size": "100",
        "epochs": "16",
        "lr_scheduler_step": "100",
        "lr_scheduler_factor": "0.99",
        "lr_scheduler_minimum_lr": "0.0001",
        "wd": "0.01",
    }
    return train(
        Hyperparameters.parse(parameters),
        Dataset(features[training], rings[training]),
        Dataset(features[validation], rings[validation]),
    )


@dataclass(frozen=True, eq=False)
class City:
    """One city of the notebook's market, split as the notebook splits it."""

    train: Dataset
    validation: Dataset
    test: Dataset
    real_questions: Dataset
    """The 100 houses that the service's endpoint was asked about, with their true prices."""


def market(seed: int) -> list[City]:
    """The ten cities of a run of the notebook."""
    return [city(seed, name) for name in CITIES]


def city(seed: int, name: str = "Houston_TX") -> City:
    """Draws the houses of a city, and preprocesses them as the notebook does."""
    count = TRAINING_HOUSES + VALIDATION_HOUSES + TEST_HOUSES
    houses = Market.notebook(seed).houses(name, count)
    seen = TRAINING_HOUSES + VALIDATION_HOUSES
    reference = _numbers(houses.take(np.arange(seen)))
    rows = _dataset(houses, reference)
    real, _ = _real_answers()
    return City(
        train=Dataset(rows.features[:TRAINING_HOUSES], rows.labels[:TRAINING_HOUSES]),
        validation=Dataset(rows.features[TRAINING_HOUSES:seen], rows.labels[TRAINING_HOUSES:seen]),
        test=Dataset(rows.features[seen:], rows.labels[seen:]),
        real_questions=_dataset(real, reference),
    )


def train_city(city: City) -> TrainingResult:
    """A training job of the notebook."""
    parameters = Hyperparameters.parse(HOUSING_HYPERPARAMETERS)
    return train(parameters, city.train, city.validation)


def mean_absolute_error(result: TrainingResult, data: Dataset) -> float:
    """In dollars."""
    errors = predict(result.model, data.features).scores - data.labels
    return float(np.mean(np.abs(errors)))


def real_mean_absolute_error() -> float:
    """Of the service's endpoint on the 100 houses of ``real_questions``, in dollars."""
    houses, predicted = _real_answers()
    assert houses.label is not None
    return float(np.mean(np.abs(predicted - houses.label)))


def _read_abalone() -> tuple[np.ndarray, np.ndarray, Float32Array]:
    with (DATA / "abalone.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    numbers = np.array([row[1:] for row in rows], np.float64)
    return np.array([row[0] for row in rows]), numbers[:, :7], numbers[:, 7].astype(np.float32)


def _real_answers() -> tuple[Table, np.ndarray]:
    answers = json.loads((DATA / "housing_real_predictions.json").read_text())
    chosen = [a for a in answers if a["run"] == "2021-05-28" and a["model"].startswith("Houston")]
    columns = list(zip(*(answer["house"] for answer in chosen), strict=True))
    values = {name: np.array(column) for name, column in zip(HOUSES.names, columns, strict=True)}
    prices = np.array([answer["true_price"] for answer in chosen], np.float64)
    predicted = np.array([answer["predicted"] for answer in chosen], np.float64)
    return Table(HOUSES, values, prices), predicted


def _dataset(houses: Table, reference: np.ndarray) -> Dataset:
    """Numbers standardised by ``reference``, then porch and deck, each one-hot."""
    assert houses.label is not None
    scaled = (_numbers(houses) - reference.mean(axis=0)) / reference.std(axis=0)
    porch, deck = houses["FRONT_PORCH"] == "y", houses["DECK"] == "y"
    features = np.column_stack([scaled, ~porch, porch, ~deck, deck]).astype(np.float32)
    return Dataset(features, houses.label.astype(np.float32))


def _numbers(houses: Table) -> np.ndarray:
    return np.column_stack(
        [
            houses["YEAR_BUILT"],
            houses["SQUARE_FEET"],
            houses["NUM_BEDROOMS"],
            houses["NUM_BATHROOMS"],
            houses["LOT_ACRES"],
            houses["GARAGE_SPACES"],
        ]
    ).astype(np.float64)

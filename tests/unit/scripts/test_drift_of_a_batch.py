"""What ``housing predict`` says of many rows: whether they are as those of the training."""

import numpy as np

from fleet.drift import SHIFTED, STABLE, describe_columns
from fleet.versions import Candidate, State, Verdict, Version
from scripts.predict import FEW_ROWS, drift_of
from training.houses import Market
from training.table import columns_of

TRAINED = Market().houses("Rome", 1000)
VERSION = Version(
    1,
    State.SERVING,
    Candidate("Rome", "key", "0", 900, columns=describe_columns(columns_of(TRAINED))),
    Verdict(True),
    "2026-11-27",
)


def test_rows_of_the_same_market_are_stable() -> None:
    drift = drift_of(VERSION, Market(seed=1).houses("Rome", 1000))
    assert drift.keys() == set(TRAINED.schema.names)
    assert max(drift.values()) < STABLE


def test_a_column_that_shifted_is_told() -> None:
    order = np.argsort(TRAINED["SQUARE_FEET"])
    largest = TRAINED.take(order[-500:])
    assert drift_of(VERSION, largest)["SQUARE_FEET"] > SHIFTED


def test_of_few_rows_nothing_is_said() -> None:
    assert drift_of(VERSION, TRAINED.take(np.arange(FEW_ROWS - 1))) == {}

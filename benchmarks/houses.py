"""The market beside the notebook's own generator, which draws and prices one house at a time."""

from random import choice
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.figure import Figure
from benchmarks.timing import seconds_per_call
from training.houses import COLUMNS, LATEST_YEAR, Market

VECTORISED = 100_000
ROW_BY_ROW = 1_000


def run() -> list[Figure]:
    market = Market.notebook()
    ours = VECTORISED / seconds_per_call(lambda: market.houses("NewYork_NY", VECTORISED))
    theirs = ROW_BY_ROW / seconds_per_call(lambda: notebook_houses(ROW_BY_ROW))
    small = 1000 / seconds_per_call(lambda: market.houses("NewYork_NY", 1000))
    houses = market.houses("NewYork_NY", VECTORISED)
    csv = VECTORISED / seconds_per_call(houses.to_csv)
    frame = pd.DataFrame(notebook_houses(ROW_BY_ROW), columns=list(COLUMNS))
    pandas_csv = ROW_BY_ROW / seconds_per_call(lambda: frame.to_csv(header=False, index=False))
    beside = f"the notebook's row by row: {theirs:,.0f}"
    return [
        Figure("houses drawn, 100,000 at once", ours, "houses/s", beside),
        Figure("houses drawn, 1,000 at once", small, "houses/s", beside),
        Figure("houses drawn, times as fast as the notebook", ours / theirs, "x", "aim: 100"),
        Figure("houses written as CSV", csv, "houses/s", f"pandas: {pandas_csv:,.0f}"),
    ]


def notebook_houses(count: int) -> pd.DataFrame:
    """What the notebook does: a dict, a price and a list for each house."""
    return pd.DataFrame([_notebook_house() for _ in range(count)], columns=list(COLUMNS))


def _notebook_house() -> list[object]:
    house: dict[str, Any] = {
        "SQUARE_FEET": np.random.normal(3000, 750),
        "NUM_BEDROOMS": np.random.randint(2, 7),
        "NUM_BATHROOMS": np.random.randint(2, 7) / 2,
        "LOT_ACRES": round(np.random.normal(1.0, 0.25), 2),
        "GARAGE_SPACES": np.random.randint(0, 4),
        "YEAR_BUILT": min(LATEST_YEAR, int(np.random.normal(1995, 10))),
        "FRONT_PORCH": choice(["y", "n"]),
        "DECK": choice(["y", "n"]),
    }
    return [*(house[column] for column in COLUMNS[:-1]), _notebook_price(house)]


def _notebook_price(house: dict[str, Any]) -> int:
    porch = 1 if house["FRONT_PORCH"] == "y" else 0
    return int(
        150 * house["SQUARE_FEET"]
        + 10_000 * house["NUM_BEDROOMS"]
        + 15_000 * house["NUM_BATHROOMS"]
        + 15_000 * house["LOT_ACRES"]
        + 20_000 * porch
        + 15_000 * house["GARAGE_SPACES"]
        - 5_000 * (LATEST_YEAR - house["YEAR_BUILT"])
    )

"""Houses and their prices: a synthetic market of ten cities.

The features and their distributions are those of AWS's example notebook
``multi_model_linear_learner_home_value`` (aws/amazon-sagemaker-examples). The notebook draws one
house at a time and prices every city alike; here a city is drawn as a whole, and each city values
a house in its own way.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fleet.column import NO, YES
from fleet.schema import HOUSES
from training.table import Table, Values

FEATURE_COLUMNS = HOUSES.names
PRICE_COLUMN = HOUSES.label.name
COLUMNS = (*FEATURE_COLUMNS, PRICE_COLUMN)
"""Column order of the CSV files, which carry no header inside the bucket."""

LATEST_YEAR = 2019
SMALLEST_SQUARE_FEET = 300
SMALLEST_LOT_ACRES = 0.05
HOUSES_PER_CITY = 1000


@dataclass(frozen=True)
class Prices:
    """What a city pays, in dollars, for one unit of each feature.

    ``year`` is what each year of age takes off.
    """

    square_foot: float
    bedroom: float
    bathroom: float
    lot_acre: float
    garage_space: float
    front_porch: float
    deck: float
    year: float

    def of(self, houses: Table) -> NDArray[np.float64]:
        """Prices in whole dollars, shape (n,)."""
        total: NDArray[np.float64] = (
            self.square_foot * houses["SQUARE_FEET"]
            + self.bedroom * houses["NUM_BEDROOMS"]
            + self.bathroom * houses["NUM_BATHROOMS"]
            + self.lot_acre * houses["LOT_ACRES"]
            + self.garage_space * houses["GARAGE_SPACES"]
            + self.front_porch * (houses["FRONT_PORCH"] == YES)
            + self.deck * (houses["DECK"] == YES)
            - self.year * (LATEST_YEAR - houses["YEAR_BUILT"])
        )
        return np.trunc(total)


PRICES_BY_CITY: Mapping[str, Prices] = {
    "NewYork_NY": Prices(420, 24_000, 30_000, 60_000, 45_000, 14_000, 18_000, 6_500),
    "LosAngeles_CA": Prices(340, 20_000, 26_000, 48_000, 30_000, 11_000, 22_000, 6_000),
    "Chicago_IL": Prices(190, 13_000, 18_000, 21_000, 22_000, 12_000, 9_000, 4_500),
    "Houston_TX": Prices(120, 9_000, 12_000, 12_000, 13_000, 9_000, 8_000, 2_500),
    "Dallas_TX": Prices(135, 10_000, 13_000, 13_000, 14_000, 9_500, 8_500, 2_800),
    "Phoenix_AZ": Prices(150, 11_000, 14_000, 15_000, 18_000, 7_000, 12_000, 3_000),
    "Philadelphia_PA": Prices(165, 12_000, 16_000, 18_000, 20_000, 13_000, 7_500, 3_800),
    "SanAntonio_TX": Prices(110, 8_500, 11_000, 11_000, 12_000, 10_000, 8_000, 2_300),
    "SanDiego_CA": Prices(310, 19_000, 25_000, 42_000, 27_000, 10_000, 24_000, 5_500),
    "SanFrancisco_CA": Prices(460, 26_000, 34_000, 75_000, 55_000, 12_000, 20_000, 7_000),
}
CITIES = tuple(PRICES_BY_CITY)

# In the notebook's formula the porch counts twice, 10,000 each time, and the deck never.
NOTEBOOK_PRICES = Prices(150, 10_000, 15_000, 15_000, 15_000, 20_000, 0, 5_000)


@dataclass(frozen=True)
class Market:
    """Draws the houses of a city and prices them; the same seed gives the same houses.

    A city's houses depend on the seed and on its own name, and on no other city.

    Parameters
    ----------
    prices
        What each known city pays. Any other city pays what a blend of them does, drawn by its name.
    noise
        Standard deviation of a random factor on each price; 0.02 moves prices by about 2 %.
    seed
        Not negative.
    lowest_price
        Linear prices fall below zero for one old and small house in ten thousand; it costs this.
    """

    prices: Mapping[str, Prices] = field(default_factory=lambda: PRICES_BY_CITY)
    noise: float = 0.0
    seed: int = 0
    lowest_price: float = 1_000.0

    @classmethod
    def notebook(cls, seed: int = 0) -> Self:
        """The notebook's own market: one formula for every city.

        Its published results (MAE 4,117 on 401 houses) are comparable with this market alone, so
        its prices are what the formula gives, also below zero.
        """
        prices = dict.fromkeys(CITIES, NOTEBOOK_PRICES)
        return cls(prices=prices, seed=seed, lowest_price=-math.inf)

    def prices_of(self, city: str) -> Prices:
        """What this city pays."""
        return self.prices.get(city) or self._blend(city)

    def houses(self, city: str, count: int = HOUSES_PER_CITY) -> Table:
        """Draw ``count`` houses of a city, labelled with their prices."""
        generator = self._generator(city)
        houses = _draw_houses(generator, count)
        prices = self.prices_of(city).of(houses)
        if self.noise:
            prices = np.trunc(prices * (1 + self.noise * generator.standard_normal(count)))
        return replace(houses, label=prices.clip(min=self.lowest_price))

    def _generator(self, city: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, *city.encode()])

    def _blend(self, city: str) -> Prices:
        known = np.array([[getattr(p, f.name) for f in fields(p)] for p in self.prices.values()])
        # The name alone decides, so that a city keeps its prices from one seed to the next.
        shares = np.random.default_rng(list(city.encode())).dirichlet(np.ones(len(known)))
        return Prices(*(shares @ known).round().tolist())


def _draw_houses(generator: np.random.Generator, count: int) -> Table:
    # The notebook's normal distributions reach below zero once in some ten thousand houses.
    square_feet = generator.normal(3000, 750, count).clip(min=SMALLEST_SQUARE_FEET)
    lot_acres = generator.normal(1.0, 0.25, count).round(2).clip(min=SMALLEST_LOT_ACRES)

    def porch_or_deck() -> Values:
        return np.where(generator.integers(0, 2, count), YES, NO)

    values = {
        "YEAR_BUILT": np.minimum(LATEST_YEAR, generator.normal(1995, 10, count).astype(np.int64)),
        "SQUARE_FEET": square_feet,
        "NUM_BEDROOMS": generator.integers(2, 7, count),
        "NUM_BATHROOMS": generator.integers(2, 7, count) / 2,
        "LOT_ACRES": lot_acres,
        "GARAGE_SPACES": generator.integers(0, 4, count),
        "FRONT_PORCH": porch_or_deck(),
        "DECK": porch_or_deck(),
    }
    return Table(HOUSES, values)

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.houses import CITIES, COLUMNS, Market
from training.table import Table, split

MANY = 20_000


def equal(a: Table, b: Table) -> bool:
    return a.to_csv() == b.to_csv()


def test_the_same_seed_gives_the_same_houses() -> None:
    assert equal(Market(seed=3).houses("Chicago_IL"), Market(seed=3).houses("Chicago_IL"))


def test_another_seed_gives_other_houses() -> None:
    assert not equal(Market(seed=3).houses("Chicago_IL"), Market(seed=4).houses("Chicago_IL"))


def test_two_cities_have_different_houses() -> None:
    market = Market()
    assert not np.array_equal(
        market.houses("Chicago_IL")["SQUARE_FEET"], market.houses("Houston_TX")["SQUARE_FEET"]
    )


def test_a_city_has_a_thousand_houses_unless_asked_otherwise() -> None:
    assert len(Market().houses("Chicago_IL")) == 1000
    assert len(Market().houses("Chicago_IL", 7)) == 7


@pytest.mark.parametrize(
    ("feature", "mean", "deviation"),
    [
        ("SQUARE_FEET", 3000, 750),
        ("NUM_BEDROOMS", 4, 2**0.5),
        ("NUM_BATHROOMS", 2, 0.5**0.5),
        ("LOT_ACRES", 1, 0.25),
        ("GARAGE_SPACES", 1.5, 1.25**0.5),
        ("FRONT_PORCH", 0.5, 0.5),
        ("DECK", 0.5, 0.5),
    ],
)
def test_features_are_distributed_as_in_the_notebook(
    feature: str, mean: float, deviation: float
) -> None:
    values = Market().houses("Chicago_IL", MANY)[feature]
    if values.dtype.kind == "U":
        values = values == "y"
    assert values.mean() == pytest.approx(mean, abs=4 * deviation / MANY**0.5)
    assert values.std() == pytest.approx(deviation, rel=0.05)


def test_no_house_is_built_after_the_latest_year() -> None:
    years = Market().houses("Chicago_IL", MANY)["YEAR_BUILT"]
    assert years.max() == 2019
    assert years.mean() == pytest.approx(1994.5, abs=0.5)


def test_the_notebooks_price_counts_the_porch_twice_and_the_deck_never() -> None:
    houses = Market.notebook().houses("NewYork_NY")
    assert houses.label is not None
    formula = (
        150 * houses["SQUARE_FEET"]
        + 10_000 * houses["NUM_BEDROOMS"]
        + 15_000 * houses["NUM_BATHROOMS"]
        + 15_000 * houses["LOT_ACRES"]
        + 10_000 * (houses["FRONT_PORCH"] == "y")
        + 10_000 * (houses["FRONT_PORCH"] == "y")
        + 15_000 * houses["GARAGE_SPACES"]
        - 5_000 * (2019 - houses["YEAR_BUILT"])
    )
    assert np.abs(houses.label - formula).max() < 1


def test_a_square_foot_is_worth_more_in_new_york_than_in_houston() -> None:
    market = Market()
    assert market.prices_of("NewYork_NY").square_foot > market.prices_of("Houston_TX").square_foot


@pytest.mark.parametrize("city", CITIES)
def test_porch_and_deck_each_count_once(city: str) -> None:
    one = Market().houses(city, 1)
    plain, porch, deck = (
        Market().prices_of(city).of(_with(one, front_porch=a, deck=b))[0]
        for a, b in ((False, False), (True, False), (False, True))
    )
    assert porch - plain == Market().prices_of(city).front_porch
    assert deck - plain == Market().prices_of(city).deck


def _with(houses: Table, *, front_porch: bool, deck: bool) -> Table:
    values = {"FRONT_PORCH": np.where([front_porch], "y", "n"), "DECK": np.where([deck], "y", "n")}
    return replace(houses, values={**houses.values, **values})


def test_noise_moves_prices_by_its_share() -> None:
    quiet = Market().houses("Chicago_IL", MANY).label
    noisy = Market(noise=0.05).houses("Chicago_IL", MANY).label
    assert quiet is not None
    assert noisy is not None
    assert (noisy / quiet).std() == pytest.approx(0.05, rel=0.05)


def test_a_city_that_is_not_listed_pays_a_blend_and_keeps_it() -> None:
    prices = Market(seed=1).prices_of("Boston_MA")
    assert prices == Market(seed=2).prices_of("Boston_MA")
    assert 110 < prices.square_foot < 460


def test_no_house_costs_less_than_the_lowest_price() -> None:
    market = Market(noise=0.02, lowest_price=50_000)
    prices = market.houses("Houston_TX", MANY).label
    assert prices is not None
    assert prices.min() == 50_000


def test_csv_has_one_line_a_house_with_the_price_last() -> None:
    houses = Market().houses("Chicago_IL", 3)
    rows = [line.split(",") for line in houses.to_csv().splitlines()]
    assert [len(row) for row in rows] == [len(COLUMNS)] * 3
    assert houses.label is not None
    assert [float(row[-1]) for row in rows] == houses.label.tolist()
    assert {row[6] for row in rows} | {row[7] for row in rows} <= {"y", "n"}


def test_csv_keeps_every_digit() -> None:
    houses = Market().houses("Chicago_IL")
    read = [float(line.split(",")[1]) for line in houses.to_csv().splitlines()]
    assert read == houses["SQUARE_FEET"].tolist()


def test_csv_without_label_has_the_features_alone() -> None:
    line = Market().houses("Chicago_IL", 1).without_label().to_csv()
    assert len(line.split(",")) == len(COLUMNS) - 1


@given(count=st.integers(1, 200), fraction=st.floats(0, 1), seed=st.integers(0, 9))
def test_a_split_loses_no_house(count: int, fraction: float, seed: int) -> None:
    houses = Market().houses("Chicago_IL", count)
    first, second = split(houses, fraction, seed)
    both = np.concatenate([first["SQUARE_FEET"], second["SQUARE_FEET"]])
    assert sorted(both) == sorted(houses["SQUARE_FEET"])


def test_a_split_takes_the_share_asked_for() -> None:
    first, second = split(Market().houses("Chicago_IL", 1000), 0.9)
    assert (len(first), len(second)) == (900, 100)

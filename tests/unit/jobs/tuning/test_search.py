"""The strategies of a tuning job: what they try, and that they find what is best."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.jobs.tuning.ranges import Range, read_ranges
from localaws.jobs.tuning.search import Search, Trial, Values, combinations, search_of

RANGES = read_ranges(
    {
        "ContinuousParameterRanges": [
            {"Name": "rate", "MinValue": "0.0001", "MaxValue": "1"},
        ],
        "IntegerParameterRanges": [{"Name": "depth", "MinValue": "1", "MaxValue": "8"}],
        "CategoricalParameterRanges": [{"Name": "kind", "Values": ["a", "b"]}],
    }
)
CATEGORIES = read_ranges(
    {
        "CategoricalParameterRanges": [
            {"Name": "kind", "Values": ["a", "b", "c"]},
            {"Name": "order", "Values": ["up", "down"]},
        ]
    }
)


def loss(values: Values) -> float:
    """Least where rate is 0.01, depth is 3 and kind is b."""
    distance = abs(math.log10(float(values["rate"])) + 2) + abs(int(values["depth"]) - 3) / 4
    return distance + (values["kind"] == "a")


def run(
    search: Search, count: int, objective: Callable[[Values], float | None] = loss
) -> list[Trial]:
    trials: list[Trial] = []
    for _ in range(count):
        values = search.propose(trials)
        if values is None:
            break
        trials.append(Trial(values, objective(values)))
    return trials


@pytest.mark.parametrize("strategy", ["Random", "Bayesian", "Hyperband"])
@given(seed=st.integers(0, 2**31))
def test_what_is_tried_is_within_the_ranges(strategy: str, seed: int) -> None:
    for trial in run(search_of(strategy, RANGES, seed), 6):
        assert list(trial.values) == [each.name for each in RANGES]
        assert 0.0001 <= float(trial.values["rate"]) <= 1
        assert 1 <= int(trial.values["depth"]) <= 8
        assert trial.values["kind"] in ("a", "b")


@pytest.mark.parametrize("strategy", ["Random", "Bayesian"])
def test_a_seed_repeats_a_search(strategy: str) -> None:
    first, again, other = (
        [trial.values for trial in run(search_of(strategy, RANGES, seed), 8)] for seed in (1, 1, 2)
    )
    assert first == again != other


def test_a_grid_is_every_combination_in_order() -> None:
    trials = run(search_of("Grid", CATEGORIES, None), 100, objective=lambda values: 1.0)
    assert [tuple(trial.values.values()) for trial in trials] == [
        ("a", "up"), ("a", "down"), ("b", "up"), ("b", "down"), ("c", "up"), ("c", "down"),
    ]  # fmt: skip
    assert combinations(CATEGORIES) == 6


@pytest.mark.parametrize("strategy", ["Random", "Bayesian"])
def test_nothing_is_tried_twice_while_there_is_something_else(strategy: str) -> None:
    trials = run(search_of(strategy, CATEGORIES, 0), 6, objective=lambda values: 1.0)
    assert len({tuple(trial.values.values()) for trial in trials}) == 6


def test_a_model_of_the_objective_finds_better_values_than_chance() -> None:
    def least(strategy: str, seed: int) -> float:
        return min(loss(trial.values) for trial in run(search_of(strategy, RANGES, seed), 20))

    seeds = range(10)
    by_chance = sum(least("Random", seed) for seed in seeds) / len(seeds)
    by_model = sum(least("Bayesian", seed) for seed in seeds) / len(seeds)
    assert by_model < 0.5 * by_chance


def test_jobs_that_still_run_are_not_proposed_again() -> None:
    ranges: list[Range] = RANGES
    search = search_of("Bayesian", ranges, 3)
    trials = run(search, 6)
    for _ in range(5):
        values = search.propose(trials)
        assert values is not None
        assert values not in [trial.values for trial in trials]
        trials.append(Trial(values))

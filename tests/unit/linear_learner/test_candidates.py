"""The models that are trained in parallel."""

import numpy as np
import pytest

from training.linear_learner.candidates import Candidate, LearningRates, candidates_for
from training.linear_learner.hyperparameters import Hyperparameters


def candidates(**values: str) -> tuple[Candidate, ...]:
    return candidates_for(Hyperparameters.parse({"predictor_type": "regressor", **values}))


def test_there_are_thirty_two_in_the_order_of_the_service() -> None:
    grid = candidates()
    assert len(grid) == 32
    for index, candidate in enumerate(grid):
        assert candidate.wd == (1e-4, 1e-2, 1.0, 100.0)[index // 8]
        assert candidate.learning_rate == (0.005, 0.1)[index // 4 % 2]
        assert candidate.lr_scheduler_minimum_lr == (1e-5, 1e-4)[index // 2 % 2]
        assert candidate.lr_scheduler_step == (10, 100)[index % 2]
        assert (candidate.l1, candidate.lr_scheduler_factor) == (0, 0.99)


@pytest.mark.parametrize("count", [1, 5, 31, 32, 50])
def test_there_are_as_many_as_asked_for(count: int) -> None:
    assert len(candidates(num_models=str(count))) == count


@pytest.mark.parametrize(("classes", "count"), [(3, 32), (4096, 32), (10_000, 13), (1_000_000, 1)])
def test_there_are_fewer_of_very_many_classes(classes: int, count: int) -> None:
    parameters = {"predictor_type": "multiclass_classifier", "num_classes": str(classes)}
    assert len(candidates_for(Hyperparameters.parse(parameters))) == count


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("learning_rate", 0.03),
        ("wd", 0.0),
        ("wd", 5.0),
        ("lr_scheduler_step", 25),
        ("lr_scheduler_minimum_lr", 3e-5),
    ],
)
def test_a_given_value_takes_the_place_of_the_nearest_one(name: str, value: float) -> None:
    before = {getattr(candidate, name) for candidate in candidates()}
    after = {getattr(candidate, name) for candidate in candidates(**{name: str(value)})}
    assert value in after
    assert len(after & before) == len(before) - 1


@pytest.mark.parametrize(("name", "value"), [("l1", 0.5), ("lr_scheduler_factor", 0.9)])
def test_a_value_that_is_not_searched_holds_for_all(name: str, value: float) -> None:
    assert {getattr(c, name) for c in candidates(**{name: str(value)})} == {value}


def test_a_single_model_is_trained_with_what_was_given() -> None:
    (candidate,) = candidates(
        num_models="1",
        wd="0.5",
        learning_rate="0.02",
        lr_scheduler_step="7",
        lr_scheduler_minimum_lr="0.001",
        lr_scheduler_factor="0.8",
        l1="0.1",
    )
    assert candidate == Candidate(
        wd=0.5,
        learning_rate=0.02,
        lr_scheduler_minimum_lr=0.001,
        lr_scheduler_step=7,
        l1=0.1,
        lr_scheduler_factor=0.8,
    )


def test_a_few_models_include_the_given_one() -> None:
    assert candidates(num_models="3", wd="0.5")[0].wd == 0.5


def rates(candidate: Candidate, updates: list[int], scheduled: bool = True) -> list[float]:
    result: list[float] = (
        LearningRates((candidate,), scheduled).at(np.array(updates))[:, 0].tolist()
    )
    return result


def test_learning_rates_fall_by_the_factor_after_each_step_down_to_the_minimum() -> None:
    candidate = Candidate(0, 1.0, 0.2, lr_scheduler_step=10, l1=0, lr_scheduler_factor=0.5)
    assert rates(candidate, [1, 10, 11, 20, 21, 31, 1000]) == [1, 1, 0.5, 0.5, 0.25, 0.2, 0.2]


def test_learning_rates_stay_without_a_schedule() -> None:
    candidate = Candidate(0, 1.0, 0.2, lr_scheduler_step=10, l1=0, lr_scheduler_factor=0.5)
    assert rates(candidate, [1, 100, 10_000], scheduled=False) == [1, 1, 1]


def test_a_learning_rate_below_the_minimum_is_not_raised() -> None:
    candidate = Candidate(0, 0.1, 0.2, lr_scheduler_step=10, l1=0, lr_scheduler_factor=0.5)
    assert rates(candidate, [1, 100]) == [0.1, 0.1]

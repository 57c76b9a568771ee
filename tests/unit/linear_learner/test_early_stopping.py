"""When an epoch counts as better, and when training ends."""

import pytest

from training.linear_learner.fitting import EarlyStopping


@pytest.mark.parametrize(
    ("greater_is_better", "values", "improve"),
    [
        (False, [8, 7.9, 7, 7.1, 6.0], [True, False, True, False, True]),
        (False, [8, 7.5], [True, False]),
        (False, [8, 7], [True, True]),
        (False, [-8, -8.5, -9], [True, False, True]),
        (False, [0, 0, -1], [True, False, True]),
        (True, [0.5, 0.52, 0.5625, 0.4], [True, False, True, False]),
        (True, [0, 0, 0.01], [True, False, True]),
    ],
)
def test_an_epoch_improves_by_an_eighth_of_the_best_at_least(
    greater_is_better: bool, values: list[float], improve: list[bool]
) -> None:
    stopping = EarlyStopping(3, tolerance=0.125, greater_is_better=greater_is_better)
    assert [stopping.improves(value) for value in values] == improve


def test_small_steps_add_up_to_an_improvement() -> None:
    stopping = EarlyStopping(3, tolerance=0.125)
    assert [stopping.improves(value) for value in (8, 7.6, 7.2, 6.8)] == [True, False, False, True]


def test_training_ends_with_the_first_epoch_after_the_patience() -> None:
    stopping = EarlyStopping(patience=2, tolerance=0.125)
    over = []
    for value in (8, 8, 8, 4, 4, 4, 4):
        stopping.improves(value)
        over.append(stopping.is_over)
    assert over == [False, False, False, False, False, False, True]

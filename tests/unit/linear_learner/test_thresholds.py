"""The threshold of a binary classifier, against trying every score."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.linear_learner.hyperparameters import Hyperparameters
from training.linear_learner.thresholds import best_threshold

ROWS = st.lists(
    st.tuples(st.integers(0, 8).map(lambda n: n / 8), st.booleans()), min_size=1, max_size=30
)


def parameters(criterion: str = "accuracy", **values: str) -> Hyperparameters:
    return Hyperparameters.parse(
        {
            "predictor_type": "binary_classifier",
            "binary_classifier_model_selection_criteria": criterion,
            **values,
        }
    )


def measures(rows: list[tuple[float, bool]], threshold: float, beta: float) -> dict[str, float]:
    answered = [score >= threshold for score, _ in rows]
    actual = [label for _, label in rows]
    hits = sum(a and b for a, b in zip(answered, actual, strict=True))
    precision, recall = hits / max(sum(answered), 1), hits / max(sum(actual), 1)
    weighted = beta**2 * precision + recall
    return {
        "accuracy": sum(a == b for a, b in zip(answered, actual, strict=True)) / len(rows),
        "f_beta": (1 + beta**2) * precision * recall / weighted if weighted else 0.0,
        "precision": precision,
        "recall": recall,
    }


def found(rows: list[tuple[float, bool]], parameters: Hyperparameters) -> tuple[float, float]:
    scores = np.array([score for score, _ in rows], np.float32)
    labels = np.array([label for _, label in rows], np.float32)
    best = best_threshold(scores, labels, parameters)
    return best.threshold, best.value


@pytest.mark.parametrize("criterion", ["accuracy", "f_beta"])
@given(rows=ROWS)
def test_no_other_threshold_does_better(criterion: str, rows: list[tuple[float, bool]]) -> None:
    threshold, value = found(rows, parameters(criterion, f_beta="2"))
    above_all = max(score for score, _ in rows) + 1
    thresholds = [*(score for score, _ in rows), above_all]
    every = [measures(rows, other, beta=2)[criterion] for other in thresholds]
    assert value == pytest.approx(max(every))
    assert value == pytest.approx(measures(rows, threshold, beta=2)[criterion])


def test_no_row_is_answered_with_1_where_that_is_most_accurate() -> None:
    threshold, value = found([(0.75, False), (0.5, False), (0.25, True)], parameters())
    assert threshold == np.nextafter(np.float32(0.75), np.float32(1))
    assert value == pytest.approx(2 / 3)


def test_of_equally_accurate_thresholds_the_highest_score_is_taken() -> None:
    threshold, _ = found([(0.75, True), (0.5, False), (0.25, True)], parameters())
    assert threshold == 0.75


@pytest.mark.parametrize(
    ("criterion", "constrained", "maximised"),
    [
        ("precision_at_target_recall", "recall", "precision"),
        ("recall_at_target_precision", "precision", "recall"),
    ],
)
@given(rows=ROWS)
def test_the_target_is_held_while_the_other_measure_is_greatest(
    criterion: str, constrained: str, maximised: str, rows: list[tuple[float, bool]]
) -> None:
    threshold, _ = found(rows, parameters(criterion, target_recall="0.6", target_precision="0.6"))
    chosen = measures(rows, threshold, beta=1)
    every = [measures(rows, score, beta=1) for score, _ in rows]
    holding = [one[maximised] for one in every if one[constrained] >= 0.6]
    if holding:
        assert chosen[constrained] >= 0.6
        assert chosen[maximised] == pytest.approx(max(holding))
    else:
        assert chosen[constrained] == pytest.approx(max(one[constrained] for one in every))

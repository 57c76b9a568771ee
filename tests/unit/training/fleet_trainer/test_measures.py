"""Whether the gate tells models that learned something from models of noise."""

import numpy as np
import pytest
from numpy.typing import NDArray

from fleet.gate import GateRules, judge
from fleet.versions import Candidate
from tests.unit.linear_learner.datasets import DATA, parameters
from training.fleet_trainer.cities import split_rows
from training.fleet_trainer.measures import baselines, error_of, signal_of
from training.linear_learner.artifact import write_artifact
from training.linear_learner.model import Dataset, LinearModel, PredictorType
from training.linear_learner.trainer import TrainingResult, train_many

CITIES = 20
SIZES = (120, 600)


def share_that_passes(kind: str, rows: int, *, shuffled: bool) -> float:
    """Of as many cities, each trained and judged as the fleet trainer does."""
    pairs = []
    for seed in range(CITIES):
        data = DATA[kind](rows, seed=1000 * seed)
        if shuffled:
            labels = np.random.default_rng(seed).permutation(data.labels)
            data = Dataset(data.features, labels)
        train, validation = split_rows(rows, 0.1, 0.3)
        pairs.append((taken(data, train), taken(data, validation)))
    results = train_many(parameters(kind, epochs="10"), pairs)
    passed = []
    for (fitted_on, judged_on), result in zip(pairs, results, strict=True):
        assert isinstance(result, TrainingResult)
        model = result.model
        judged = Candidate(
            "Chicago_IL",
            "key",
            "digest",
            900,
            train_rows=len(fitted_on),
            validation_rows=len(judged_on),
            metrics={
                "mae": error_of(write_artifact(model), judged_on),
                "signal": signal_of(model, judged_on),
            },
            baselines=baselines(fitted_on, judged_on, PredictorType(kind)),
        )
        passed.append(judge(judged, GateRules()).passed)
    return float(np.mean(passed))


@pytest.mark.parametrize("rows", SIZES)
@pytest.mark.parametrize("kind", DATA)
def test_what_was_trained_on_shuffled_labels_is_refused(kind: str, rows: int) -> None:
    assert share_that_passes(kind, rows, shuffled=True) <= 0.05


@pytest.mark.parametrize("rows", SIZES)
@pytest.mark.parametrize("kind", DATA)
def test_what_was_trained_on_labels_that_follow_the_features_passes(kind: str, rows: int) -> None:
    assert share_that_passes(kind, rows, shuffled=False) == 1


def taken(data: Dataset, rows: NDArray[np.int64]) -> Dataset:
    return Dataset(data.features[rows], data.labels[rows])


def model(weight: float, threshold: float) -> LinearModel:
    return LinearModel(
        predictor_type=PredictorType.BINARY_CLASSIFIER,
        loss="logistic",
        weights=np.array([[weight]], np.float32),
        bias=np.zeros(1, np.float32),
        metrics_params={"threshold": threshold},
        threshold=threshold,
    )


def rows(labels: str) -> Dataset:
    """Rows whose only feature goes up."""
    features = np.arange(len(labels), dtype=np.float32)[:, None]
    return Dataset(features, np.array([int(label) for label in labels], np.float32))


def test_the_signal_of_two_classes_is_that_of_the_mann_whitney_test() -> None:
    data = rows("00101101011011")
    ones, zeros = np.flatnonzero(data.labels == 1), np.flatnonzero(data.labels == 0)
    m, n = len(ones), len(zeros)
    pairs_in_order = (ones[:, None] > zeros).sum()
    expected = (pairs_in_order - m * n / 2) / np.sqrt(m * n * (m + n + 1) / 12)
    assert signal_of(model(0.5, 0.5), data) == pytest.approx(expected)


def test_the_signal_does_not_look_at_the_threshold() -> None:
    data = rows("00101101011011")
    assert signal_of(model(0.5, 0.01), data) == signal_of(model(0.5, 0.99), data)


def test_answers_that_are_all_alike_have_no_signal() -> None:
    assert signal_of(model(0.0, 0.5), rows("0101")) == 0

"""Normalisation and its inverse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.linear_learner.hyperparameters import Hyperparameters
from training.linear_learner.model import Dataset
from training.linear_learner.scaler import Scaler


def dataset(rows: int, feature_dim: int = 3, seed: int = 0) -> Dataset:
    random = np.random.default_rng(seed)
    features = random.normal(5, 3, (rows, feature_dim)).astype(np.float32)
    return Dataset(features, random.normal(100, 20, rows).astype(np.float32))


def scaler_of(data: Dataset, predictor_type: str = "regressor", **values: str) -> Scaler:
    return Scaler.fit(data, Hyperparameters.parse({"predictor_type": predictor_type, **values}))


def test_it_measures_whole_mini_batches_only() -> None:
    data = dataset(227)
    scaler = scaler_of(data, mini_batch_size="100")
    np.testing.assert_allclose(scaler.mean_weight, data.features[:200].mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(scaler.stdev_weight, data.features[:200].std(axis=0), rtol=1e-6)
    np.testing.assert_allclose(scaler.mean_label, data.labels[:200].mean(), rtol=1e-6)
    np.testing.assert_allclose(scaler.stdev_label, data.labels[:200].std(), rtol=1e-6)


def test_it_measures_no_more_than_num_point_for_scaler() -> None:
    data = dataset(500)
    scaler = scaler_of(data, mini_batch_size="100", num_point_for_scaler="250")
    np.testing.assert_allclose(scaler.mean_weight, data.features[:200].mean(axis=0), rtol=1e-6)


def test_it_measures_one_mini_batch_at_least() -> None:
    data = dataset(500)
    scaler = scaler_of(data, mini_batch_size="100", num_point_for_scaler="10")
    np.testing.assert_allclose(scaler.mean_weight, data.features[:100].mean(axis=0), rtol=1e-6)


def test_rows_of_a_large_data_set_are_normalised_like_those_of_a_small_one() -> None:
    data = dataset(400_000)
    scaler = scaler_of(data)
    together = scaler.normalise_features(data.features)
    assert np.array_equal(together[-10:], scaler.normalise_features(data.features[-10:]))


def test_a_constant_feature_stays_finite() -> None:
    data = Dataset(np.full((10, 2), 7, np.float32), np.full(10, 3, np.float32))
    scaler = scaler_of(data, mini_batch_size="10")
    assert scaler.normalise_features(data.features) == pytest.approx(np.array([[0, 0, 1]] * 10))
    assert scaler.normalise_labels(data.labels).tolist() == [0] * 10


def test_labels_of_a_classifier_are_never_normalised() -> None:
    data = Dataset(np.ones((4, 1), np.float32), np.array([0, 1, 1, 1], np.float32))
    scaler = scaler_of(data, "binary_classifier", mini_batch_size="4", normalize_label="true")
    assert scaler.normalise_labels(data.labels).tolist() == [0, 1, 1, 1]


def test_each_step_can_be_turned_off() -> None:
    data = dataset(100)
    plain = scaler_of(
        data,
        mini_batch_size="100",
        normalize_data="false",
        normalize_label="false",
        unbias_data="false",
        unbias_label="false",
    )
    assert (plain.mean_weight == 0).all()
    assert (plain.stdev_weight == 1).all()
    assert (plain.mean_label, plain.stdev_label) == (0, 1)


def test_without_a_bias_nothing_is_shifted() -> None:
    scaler = scaler_of(dataset(100), mini_batch_size="100", use_bias="false")
    assert (scaler.mean_weight == 0).all()
    assert scaler.mean_label == 0
    assert (scaler.stdev_weight != 1).all()


@given(st.integers(0, 1000))
def test_denormalised_weights_answer_raw_features_as_weights_do_normalised_ones(seed: int) -> None:
    data = dataset(50, feature_dim=4, seed=seed)
    scaler = scaler_of(data, mini_batch_size="50")
    weights = np.random.default_rng(seed).normal(size=(5, 1)).astype(np.float32)
    raw, bias = scaler.denormalise(weights)
    normalised = scaler.normalise_features(data.features) @ weights
    expected = scaler.mean_label + scaler.stdev_label * normalised
    np.testing.assert_allclose(data.features @ raw + bias, expected, rtol=1e-3, atol=1e-2)

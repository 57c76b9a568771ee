"""Scores and labels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.linear_learner.models import random_model
from training.linear_learner.model import Float32Array, LinearModel
from training.linear_learner.predictor import (
    FeatureDimensionError,
    Predictions,
    predict,
    sigmoid,
    softmax,
)


def labels_of(predictions: Predictions) -> list[int]:
    assert predictions.labels is not None
    labels: list[int] = predictions.labels.tolist()
    return labels


class TestTheAnswersOfTheRealEndpoint:
    def test_have_our_scores_within_a_millionth(
        self,
        real_model: LinearModel,
        real_features: Float32Array,
        real_answers: list[dict[str, float]],
    ) -> None:
        scores = predict(real_model, real_features).scores
        real = [answer["score"] for answer in real_answers]
        assert len(real) == 334
        np.testing.assert_allclose(scores, real, rtol=0, atol=1e-6)

    def test_have_exactly_our_labels(
        self,
        real_model: LinearModel,
        real_features: Float32Array,
        real_answers: list[dict[str, float]],
    ) -> None:
        labels = labels_of(predict(real_model, real_features))
        assert labels == [answer["predicted_label"] for answer in real_answers]


@given(
    rows=st.integers(1, 40),
    predictor_type=st.sampled_from(["regressor", "binary_classifier", "multiclass_classifier"]),
    seed=st.integers(0, 99),
)
def test_a_row_is_answered_alone_as_among_others(rows: int, predictor_type: str, seed: int) -> None:
    outputs = 5 if predictor_type == "multiclass_classifier" else 1
    model = random_model(predictor_type, 11, outputs)
    features = np.random.default_rng(seed).normal(size=(rows, 11)).astype(np.float32)
    together = predict(model, features)
    for index in range(rows):
        alone = predict(model, features[index : index + 1])
        assert np.array_equal(alone.scores[0], together.scores[index])


@pytest.mark.parametrize("feature_dim", [3, 50, 999])
def test_answers_do_not_depend_on_how_the_features_lie_in_memory(feature_dim: int) -> None:
    model = random_model("regressor", feature_dim)
    features = np.random.default_rng(0).normal(size=(9, feature_dim)).astype(np.float32)
    columns_first = predict(model, np.asfortranarray(features))
    assert np.array_equal(columns_first.scores, predict(model, features).scores)


def test_a_regressor_answers_the_linear_function(regressor: LinearModel) -> None:
    features = np.array([[1, 2, 3], [0, 0, 0]], np.float32)
    predictions = predict(regressor, features)
    np.testing.assert_allclose(
        predictions.scores, features @ regressor.weights[:, 0] + regressor.bias[0], rtol=1e-6
    )
    assert predictions.scores.dtype == np.float32
    assert predictions.labels is None


def test_a_score_at_the_threshold_is_a_one() -> None:
    model = LinearModel(
        random_model("binary_classifier", 1).predictor_type,
        "logistic",
        np.ones((1, 1), np.float32),
        np.zeros(1, np.float32),
        threshold=0.5,
    )
    assert labels_of(predict(model, np.array([[-0.1], [0.0], [0.1]], np.float32))) == [0, 1, 1]


def test_a_hinge_model_answers_margins_not_probabilities() -> None:
    model = random_model("binary_classifier", 2, loss="hinge_loss")
    features = np.array([[30, -40]], np.float32)
    expected = features @ model.weights[:, 0] + model.bias[0]
    np.testing.assert_allclose(predict(model, features).scores, expected, rtol=1e-6)


def test_a_multiclass_classifier_answers_probabilities_and_the_likeliest_class(
    multiclass_classifier: LinearModel,
) -> None:
    features = np.random.default_rng(1).normal(size=(20, 3)).astype(np.float32)
    predictions = predict(multiclass_classifier, features)
    assert predictions.scores.shape == (20, 4)
    np.testing.assert_allclose(predictions.scores.sum(axis=1), 1, rtol=1e-6)
    assert labels_of(predictions) == predictions.scores.argmax(axis=1).tolist()


def test_rows_of_another_width_are_refused_in_the_words_of_the_service(
    regressor: LinearModel,
) -> None:
    with pytest.raises(FeatureDimensionError) as refusal:
        predict(regressor, np.zeros((1, 4), np.float32))
    assert str(refusal.value) == (
        "The feature dimension of the input: 4 does not match the feature dimension of the model: "
        "3. Please fix the input and try again."
    )


@pytest.mark.filterwarnings("error")
def test_extreme_margins_do_not_overflow() -> None:
    margins = np.array([-1e38, -100, 0, 100, 1e38], np.float32)
    np.testing.assert_allclose(sigmoid(margins), [0, 3.8e-44, 0.5, 1, 1], atol=1e-43)
    assert softmax(margins[[0, 4]]).tolist() == [0, 1]

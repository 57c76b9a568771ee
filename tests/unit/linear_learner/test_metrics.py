"""Quality metrics, against scikit-learn."""

from importlib import import_module
from typing import Any

import numpy as np
import pytest

from tests.unit.linear_learner.models import random_model
from training.linear_learner.hyperparameters import Hyperparameters
from training.linear_learner.metrics import final_metric_name, quality_metrics
from training.linear_learner.model import Dataset
from training.linear_learner.predictor import predict

RANDOM = np.random.default_rng(3)
FEATURES = RANDOM.normal(size=(300, 4)).astype(np.float32)


@pytest.fixture
def oracle() -> Any:
    """Scikit-learn's metrics, imported where they are used: that takes seconds."""
    return import_module("sklearn.metrics")


def parameters(predictor_type: str, **values: str) -> Hyperparameters:
    return Hyperparameters.parse({"predictor_type": predictor_type, **values})


def test_a_regressor_has_the_errors_of_its_predictions(oracle: Any) -> None:
    model = random_model("regressor", 4)
    data = Dataset(FEATURES, RANDOM.normal(size=300).astype(np.float32))
    scores = predict(model, FEATURES).scores
    mse = oracle.mean_squared_error(data.labels, scores)
    assert quality_metrics(model, data, parameters("regressor")) == pytest.approx(
        {
            "mse_objective": mse,
            "mse": mse,
            "absolute_loss": oracle.mean_absolute_error(data.labels, scores),
        },
        rel=1e-5,
    )


def test_a_binary_classifier_has_those_of_scikit_learn(oracle: Any) -> None:
    model = random_model("binary_classifier", 4)
    data = Dataset(FEATURES, RANDOM.integers(0, 2, 300).astype(np.float32))
    predictions = predict(model, FEATURES)
    answers = (data.labels, predictions.labels)
    assert quality_metrics(model, data, parameters("binary_classifier", f_beta="2")) == (
        pytest.approx(
            {
                "binary_classification_cross_entropy_objective": oracle.log_loss(
                    data.labels, predictions.scores.astype(np.float64)
                ),
                "binary_classification_accuracy": oracle.accuracy_score(*answers),
                "binary_f_2.000": oracle.fbeta_score(*answers, beta=2),
                "precision": oracle.precision_score(*answers),
                "recall": oracle.recall_score(*answers),
            },
            rel=1e-5,
        )
    )


def test_a_multiclass_classifier_has_those_of_scikit_learn(oracle: Any) -> None:
    model = random_model("multiclass_classifier", 4, outputs=5)
    data = Dataset(FEATURES, RANDOM.integers(0, 5, 300).astype(np.float32))
    predictions = predict(model, FEATURES)
    scores = predictions.scores.astype(np.float64)
    scores /= scores.sum(axis=1, keepdims=True)
    answers = (data.labels, predictions.labels)
    relevance = np.eye(5)[data.labels.astype(np.int64)]
    hyperparameters = parameters("multiclass_classifier", num_classes="5", accuracy_top_k="2")
    assert quality_metrics(model, data, hyperparameters) == pytest.approx(
        {
            "multiclass_cross_entropy_objective": oracle.log_loss(data.labels, scores),
            "multiclass_accuracy": oracle.accuracy_score(*answers),
            "multiclass_top_k_accuracy_2": oracle.top_k_accuracy_score(data.labels, scores, k=2),
            "dcg": oracle.dcg_score(relevance, scores),
            "macro_recall": oracle.recall_score(*answers, average="macro", zero_division=0),
            "macro_precision": oracle.precision_score(*answers, average="macro", zero_division=0),
            "macro_f_1.000": oracle.f1_score(*answers, average="macro", zero_division=0),
        },
        rel=1e-5,
    )


@pytest.mark.parametrize(
    ("split", "name", "final"),
    [
        ("train", "mse_objective", "train:objective_loss:final"),
        ("test", "mse_objective", "test:objective_loss"),
        ("validation", "absolute_loss", "validation:absolute_loss"),
        ("validation", "binary_f_1.000", "validation:binary_f_beta"),
        ("test", "macro_f_0.500", "test:macro_f_beta"),
        ("test", "multiclass_top_k_accuracy_3", "test:multiclass_top_k_accuracy"),
    ],
)
def test_final_metrics_are_named_as_the_service_names_them(
    split: str, name: str, final: str
) -> None:
    assert final_metric_name(split, name) == final

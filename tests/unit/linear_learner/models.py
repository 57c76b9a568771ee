"""Models to test with."""

import numpy as np

from training.linear_learner.model import LinearModel, PredictorType

LOSSES = {
    "regressor": "squared_loss",
    "binary_classifier": "logistic",
    "multiclass_classifier": "softmax_loss",
}


def random_model(
    predictor_type: str, feature_dim: int, outputs: int = 1, loss: str | None = None, seed: int = 0
) -> LinearModel:
    random = np.random.default_rng(seed)
    return LinearModel(
        predictor_type=PredictorType(predictor_type),
        loss=loss or LOSSES[predictor_type],
        weights=random.normal(size=(feature_dim, outputs)).astype(np.float32),
        bias=random.normal(size=outputs).astype(np.float32),
        graph_number=32,
    )


def assert_same(model: LinearModel, other: LinearModel) -> None:
    assert model.predictor_type == other.predictor_type
    assert model.loss == other.loss
    assert np.array_equal(model.weights, other.weights)
    assert np.array_equal(model.bias, other.bias)
    assert model.threshold == other.threshold
    assert model.metrics_params == other.metrics_params
    assert model.graph_number == other.graph_number

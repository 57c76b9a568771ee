"""Data that cannot be trained on, or not with these hyperparameters: a sentence says why."""

import numpy as np
import pytest

from tests.unit.linear_learner.datasets import DATA, features, parameters, regression
from training.linear_learner.model import Dataset
from training.linear_learner.trainer import TrainingError, train


class TestDataThatCannotBeTrainedOn:
    def test_has_fewer_rows_than_a_mini_batch(self) -> None:
        with pytest.raises(
            TrainingError, match="channel train has 49 rows, and mini_batch_size 50"
        ):
            train(parameters(), regression(49))

    def test_has_another_width_than_feature_dim(self) -> None:
        with pytest.raises(TrainingError, match="Channel train has 3 features; feature_dim is 4"):
            train(parameters(feature_dim="4"), regression())

    def test_has_channels_of_different_widths(self) -> None:
        wide = Dataset(np.ones((60, 5), np.float32), np.ones(60, np.float32))
        with pytest.raises(
            TrainingError, match="Channel validation has 5 features; feature_dim is 3"
        ):
            train(parameters(), regression(), wide)

    def test_is_not_finite(self) -> None:
        data = regression()
        data.features[3, 1] = np.nan
        with pytest.raises(TrainingError, match="Channel train has values that are not finite"):
            train(parameters(), data)

    @pytest.mark.parametrize(
        ("predictor_type", "label", "classes"),
        [
            ("binary_classifier", -1, "from 0 to 1"),
            ("binary_classifier", 2, "from 0 to 1"),
            ("multiclass_classifier", 4, "from 0 to 3"),
            ("multiclass_classifier", 0.5, "from 0 to 3"),
        ],
    )
    def test_has_labels_that_are_no_classes(
        self, predictor_type: str, label: float, classes: str
    ) -> None:
        data = DATA[predictor_type]()
        data.labels[7] = label
        with pytest.raises(TrainingError, match=f"has the label {label}; .* integers {classes}"):
            train(parameters(predictor_type), data)

    def test_makes_every_model_diverge(self) -> None:
        values = {"learning_rate": "1e30", "num_models": "1", "normalize_data": "false"}
        with pytest.raises(TrainingError, match="diverged"):
            train(parameters(optimizer="sgd", use_lr_scheduler="false", **values), regression())

    def test_is_not_started_with_more_models_than_memory_holds(self) -> None:
        with pytest.raises(TrainingError) as refused:
            train(parameters(num_models="1000000000"), regression())
        assert str(refused.value) == (
            "1000000000 models with 1 outputs need matrices of 50000000000 numbers; at most "
            "134217728 are possible. Lower num_models or mini_batch_size."
        )

    def test_has_validation_rows_whose_scores_no_float32_holds(self) -> None:
        """They lie on the right side, and so cost nothing: the loss alone does not tell."""
        near = np.linspace(-1e-6, 1e-6, 60, dtype=np.float32)[:, None]
        far = Dataset(np.full((60, 1), 1e38, np.float32), np.ones(60, np.float32))
        with pytest.raises(TrainingError, match="diverged: threshold: not finite numbers only"):
            train(
                parameters("binary_classifier", loss="hinge_loss"),
                Dataset(near, (near[:, 0] > 0).astype(np.float32)),
                far,
            )

    def test_of_one_class_alone_is_no_obstacle(self) -> None:
        data = Dataset(features(100), np.ones(100, np.float32))
        values = {"positive_example_weight_mult": "balanced"}
        result = train(parameters("binary_classifier", **values), data)
        assert result.metrics["train:binary_classification_accuracy"] == 1

"""Training: what it learns, what it selects, what it reports."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from tests.unit.linear_learner.datasets import (
    DATA,
    SLOPES,
    binary,
    features,
    parameters,
    regression,
)
from training.linear_learner.artifact import write_artifact
from training.linear_learner.hyperparameters import LOSSES
from training.linear_learner.model import Dataset, PredictorType
from training.linear_learner.predictor import predict
from training.linear_learner.trainer import (
    TrainingError,
    TrainingResult,
    train,
    train_exactly,
    train_many,
)

METRIC_DEFINITIONS = (
    Path(__file__).parents[3] / "localaws/containers/linear_learner_metric_definitions.json"
)


def trained(predictor_type: str = "regressor", **values: str) -> TrainingResult:
    data = DATA[predictor_type]
    return train(parameters(predictor_type, **values), data(), data(seed=9), data(seed=5))


class TestWhatIsLearned:
    @pytest.mark.parametrize("unit", [1, 1e6, 1e30])
    @pytest.mark.parametrize("loss", LOSSES[PredictorType.REGRESSOR])
    def test_every_regression_loss_finds_the_line_in_any_unit_of_the_label(
        self, loss: str, unit: float
    ) -> None:
        data = regression()
        scaled = Dataset(data.features, (data.labels * unit).astype(np.float32))
        result = train(parameters(loss=loss), scaled)
        assert result.model.weights[:, 0] / unit == pytest.approx(SLOPES, abs=0.2)
        assert result.model.loss == loss
        assert np.isfinite(list(result.metrics.values())).all()

    @pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop"])
    def test_every_optimizer_finds_the_line(self, optimizer: str) -> None:
        assert trained(optimizer=optimizer).metrics["test:mse"] < 1.5

    def test_squared_loss_comes_close_to_least_squares(self) -> None:
        data = regression()
        design = np.hstack([data.features, np.ones((len(data), 1))])
        _, residual, _, _ = np.linalg.lstsq(design, data.labels)
        mse = train(parameters(), data).metrics["train:mse"]
        assert residual[0] / len(data) <= mse < 1.02 * residual[0] / len(data)

    @pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
    def test_a_quantile_lies_above_that_share_of_the_labels(self, quantile: float) -> None:
        result = trained(loss="quantile_loss", quantile=str(quantile), epochs="30")
        data = regression(seed=5)
        share = np.mean(predict(result.model, data.features).scores > data.labels)
        assert share == pytest.approx(quantile, abs=0.1)

    @pytest.mark.parametrize("loss", ["logistic", "hinge_loss"])
    def test_every_binary_loss_separates_the_classes(self, loss: str) -> None:
        metrics = trained("binary_classifier", loss=loss).metrics
        assert metrics["test:binary_classification_accuracy"] > 0.85

    def test_a_multiclass_classifier_tells_its_classes_apart(self) -> None:
        result = trained("multiclass_classifier")
        assert result.model.weights.shape == (3, 4)
        assert result.metrics["test:multiclass_accuracy"] > 0.95
        assert result.metrics["test:multiclass_top_k_accuracy"] > 0.99

    def test_l1_makes_weights_that_do_not_matter_vanish(self) -> None:
        x = features(600)
        data = Dataset(x, (3 * x[:, 0]).astype(np.float32))
        weights = train(parameters(l1="0.2", wd="0"), data).model.weights[:, 0]
        assert abs(weights[1:]).max() < 0.1 < weights[0]

    def test_weight_decay_shrinks_weights(self) -> None:
        def weight(wd: str) -> float:
            result = trained(wd=wd, num_models="1", learning_rate="0.1")
            return float(abs(result.model.weights).sum())

        assert weight("1") < 0.7 * weight("0")

    def test_without_a_bias_the_model_goes_through_the_origin(self) -> None:
        assert trained(use_bias="false").model.bias.tolist() == [0]


class TestTheSameArguments:
    @pytest.mark.parametrize("predictor_type", DATA)
    def test_give_the_same_artifact_bit_for_bit(self, predictor_type: str) -> None:
        first, second = trained(predictor_type), trained(predictor_type)
        assert write_artifact(first.model) == write_artifact(second.model)
        assert first.metrics == second.metrics


class TestEveryHyperparameter:
    @pytest.mark.parametrize(
        ("predictor_type", "values"),
        [
            ("regressor", {"mini_batch_size": "60"}),
            ("regressor", {"epochs": "1"}),
            ("regressor", {"num_models": "1"}),
            ("regressor", {"loss": "quantile_loss", "quantile": "0.7"}),
            ("regressor", {"loss": "huber_loss", "huber_delta": "0.1"}),
            ("regressor", {"loss": "eps_insensitive_absolute_loss", "loss_insensitivity": "2"}),
            ("regressor", {"optimizer": "sgd"}),
            ("regressor", {"optimizer": "sgd", "momentum": "0.5"}),
            ("regressor", {"num_models": "1", "learning_rate": "0.02"}),
            ("regressor", {"beta_1": "0.5"}),
            ("regressor", {"beta_2": "0.9"}),
            (
                "regressor",
                {"num_models": "1", "lr_scheduler_step": "1", "use_lr_scheduler": "false"},
            ),
            ("regressor", {"num_models": "1", "lr_scheduler_step": "3"}),
            (
                "regressor",
                {"num_models": "1", "lr_scheduler_step": "1", "lr_scheduler_factor": "0.5"},
            ),
            (
                "regressor",
                {"num_models": "1", "lr_scheduler_step": "1", "lr_scheduler_minimum_lr": "0.05"},
            ),
            ("regressor", {"num_models": "1", "wd": "0.001"}),
            ("regressor", {"l1": "0.01"}),
            ("regressor", {"use_bias": "false"}),
            ("regressor", {"bias_lr_mult": "1"}),
            ("regressor", {"bias_wd_mult": "1"}),
            ("regressor", {"init_method": "normal"}),
            ("regressor", {"init_method": "normal", "init_sigma": "0.5"}),
            ("regressor", {"init_scale": "0.5"}),
            ("regressor", {"init_bias": "0.3"}),
            ("regressor", {"normalize_data": "false"}),
            ("regressor", {"normalize_label": "false"}),
            ("regressor", {"unbias_data": "false"}),
            ("regressor", {"unbias_label": "false"}),
            ("regressor", {"num_point_for_scaler": "50"}),
            ("regressor", {"early_stopping_patience": "1", "early_stopping_tolerance": "0.2"}),
            ("binary_classifier", {"loss": "hinge_loss", "margin": "3"}),
            ("binary_classifier", {"num_calibration_samples": "20"}),
            ("binary_classifier", {"positive_example_weight_mult": "4"}),
            (
                "binary_classifier",
                {"binary_classifier_model_selection_criteria": "precision_at_target_recall"},
            ),
            (
                "binary_classifier",
                {
                    "binary_classifier_model_selection_criteria": "precision_at_target_recall",
                    "target_recall": "0.99",
                },
            ),
            (
                "binary_classifier",
                {
                    "binary_classifier_model_selection_criteria": "recall_at_target_precision",
                    "target_precision": "0.99",
                },
            ),
            (
                "binary_classifier",
                {"binary_classifier_model_selection_criteria": "f_beta", "f_beta": "4"},
            ),
            ("binary_classifier", {"binary_classifier_model_selection_criteria": "loss_function"}),
            ("multiclass_classifier", {"balance_multiclass_weights": "true"}),
            ("multiclass_classifier", {"accuracy_top_k": "1"}),
        ],
        ids=lambda value: ",".join(value) if isinstance(value, dict) else None,
    )
    def test_makes_a_difference(self, predictor_type: str, values: dict[str, str]) -> None:
        """Against the same job without the last of the values."""
        without = dict(list(values.items())[:-1])
        changed, plain = trained(predictor_type, **values), trained(predictor_type, **without)
        is_different = write_artifact(changed.model) != write_artifact(plain.model)
        assert is_different


class TestABinaryClassifier:
    def test_holds_the_target_recall_on_the_validation_data(self) -> None:
        result = trained(
            "binary_classifier",
            binary_classifier_model_selection_criteria="precision_at_target_recall",
            target_recall="0.97",
        )
        assert result.metrics["validation:recall"] >= 0.97

    def test_holds_the_target_precision_on_the_validation_data(self) -> None:
        result = trained(
            "binary_classifier",
            binary_classifier_model_selection_criteria="recall_at_target_precision",
            target_precision="0.97",
        )
        assert result.metrics["validation:precision"] >= 0.97

    def test_keeps_the_threshold_one_half_when_selected_by_its_loss(self) -> None:
        criterion = "binary_classifier_model_selection_criteria"
        assert trained("binary_classifier", **{criterion: "loss_function"}).model.threshold == 0.5

    def test_writes_its_threshold_where_the_service_writes_it(self) -> None:
        model = trained("binary_classifier").model
        assert model.metrics_params["threshold"] == model.threshold != 0.5

    @pytest.mark.parametrize("weight", ["balanced", "auto"])
    def test_may_weigh_rare_positives_up(self, weight: str) -> None:
        data = binary(2000, share=0.02)
        criteria = {"binary_classifier_model_selection_criteria": "loss_function"}
        plain = train(parameters("binary_classifier", **criteria), data)
        weighted = train(
            parameters("binary_classifier", positive_example_weight_mult=weight, **criteria), data
        )
        if weight == "balanced":
            assert weighted.metrics["train:recall"] > plain.metrics["train:recall"]
            assert weighted.model.metrics_params["positive_example_weight_mult"] == 49
        else:
            loss = "train:objective_loss:final"
            assert weighted.metrics[loss] <= plain.metrics[loss]


class TestSelection:
    def test_is_on_validation_data_where_it_is_given(self) -> None:
        """Validation data that only a heavily decayed model fits."""
        flat = Dataset(features(100), np.full(100, regression().labels.mean(), np.float32))
        chosen = train(parameters(), regression(), flat).best_hyperparameters
        assert chosen["wd"] == 100
        assert train(parameters(), regression()).best_hyperparameters["wd"] != 100

    def test_ends_training_when_patience_runs_out(self) -> None:
        lines: list[str] = []
        data = regression(noise=0)
        values = {"early_stopping_patience": "2", "early_stopping_tolerance": "0.9"}
        train(parameters(epochs="100", **values), data, data, log=lines.append)
        improved = [index for index, line in enumerate(lines) if "Loss improved" in line]
        waited = [line for line in lines[improved[-1] :] if "has not improved" in line]
        assert [line.split("for ")[1] for line in waited] == ["1 epochs.", "2 epochs.", "3 epochs."]

    def test_keeps_the_best_epoch_not_the_last(self) -> None:
        values = {"learning_rate": "0.5", "num_models": "1", "use_lr_scheduler": "false"}
        lines: list[str] = []
        result = train(parameters(epochs="10", **values), regression(), log=lines.append)
        losses = [
            float(line.split("value=")[1]) for line in lines if "early_stopping_criteria" in line
        ]
        within_tolerance = min(losses) * 1.001
        assert losses[result.epoch] <= within_tolerance


class TestTheLog:
    @pytest.mark.parametrize("predictor_type", DATA)
    @pytest.mark.parametrize("with_validation", [True, False])
    def test_shows_every_metric_to_the_metric_definitions_of_the_service(
        self, predictor_type: str, with_validation: bool
    ) -> None:
        data = DATA[predictor_type]
        lines: list[str] = []
        validation = data(seed=9) if with_validation else None
        result = train(
            parameters(predictor_type), data(), validation, data(seed=5), log=lines.append
        )
        seen = metrics_in(lines)
        del seen["train:throughput"]
        known = {name: value for name, value in result.metrics.items() if name in seen}
        assert seen == known
        assert "test:objective_loss" in seen
        assert ("validation:objective_loss:final" in seen) == with_validation

    def test_names_the_best_hyperparameters_as_the_service_does(self) -> None:
        lines: list[str] = []
        result = train(parameters(), regression(), log=lines.append)
        (line,) = [line for line in lines if line.startswith("Best model found")]
        assert json.loads(line.removeprefix("Best model found for hyperparameters: ")) == (
            result.best_hyperparameters
        )
        assert list(result.best_hyperparameters) == [
            "optimizer",
            "learning_rate",
            "l1",
            "wd",
            "lr_scheduler_step",
            "lr_scheduler_factor",
            "lr_scheduler_minimum_lr",
        ]


def metrics_in(lines: list[str]) -> dict[str, float]:
    """What SageMaker finds in a log: the last match of each MetricDefinition."""
    definitions: dict[str, str] = json.loads(METRIC_DEFINITIONS.read_text())
    found = {}
    for name, pattern in definitions.items():
        matches = [match for line in lines if (match := re.search(pattern, line))]
        if matches:
            found[name] = float(matches[-1][1])
    return found


STACKED = {"loss": "absolute_loss", "mini_batch_size": "20"}


def pair(seed: int, rows: int, validation: int) -> tuple[Dataset, Dataset]:
    random = np.random.default_rng(seed)
    features = random.normal(size=(rows + validation, 3)).astype(np.float32)
    labels = (features @ [1, 2, 3] + random.normal(size=rows + validation)).astype(np.float32)
    return Dataset(features[:rows], labels[:rows]), Dataset(features[rows:], labels[rows:])


@pytest.mark.parametrize(
    "values",
    [
        STACKED,
        {"loss": "squared_loss", "optimizer": "sgd", "l1": "0.01", "mini_batch_size": "20"},
        {"loss": "huber_loss", "mini_batch_size": "20"},
    ],
)
def test_many_data_sets_get_to_the_bit_the_models_that_each_gets_alone(
    values: dict[str, str],
) -> None:
    chosen = parameters(**values)
    pairs = [pair(number, 60 + number % 3, 20 + number % 2) for number in range(40)]
    for result, (rows, validation) in zip(train_many(chosen, pairs), pairs, strict=True):
        alone = train(chosen, rows, validation)
        assert isinstance(result, TrainingResult)
        assert write_artifact(result.model) == write_artifact(alone.model)
        assert (result.epoch, result.best_hyperparameters, result.metrics) == (
            alone.epoch,
            alone.best_hyperparameters,
            alone.metrics,
        )


def test_a_data_set_that_cannot_be_trained_on_leaves_those_beside_it_alone() -> None:
    chosen = parameters(**STACKED)
    small = pair(1, 19, 5)
    rows, validation = pair(2, 60, 20)
    labels = np.full(len(rows), 1e30, np.float32)
    labels[::2] = -3e38
    huge = Dataset(rows.features, labels), validation
    good = pair(3, 60, 20)
    too_few, _, trained = train_many(chosen, [small, huge, good])
    assert "19 rows" in str(too_few)
    assert isinstance(trained, TrainingResult)
    assert write_artifact(trained.model) == write_artifact(train(chosen, *good).model)


class TestTheExactSolver:
    @pytest.mark.parametrize("loss", ["squared_loss", "absolute_loss", "quantile_loss"])
    def test_finds_the_weights_that_leave_no_error(self, loss: str) -> None:
        random = np.random.default_rng(0)
        features = random.normal(size=(120, 4)).astype(np.float32)
        rows = Dataset(features, (features @ [3, -2, 0, 1] * 1000 + 5e5).astype(np.float32))
        result = train_exactly(parameters(loss=loss), rows, rows)
        assert result.metrics["validation:absolute_loss"] < 1

    def test_is_at_the_median_where_linear_learner_gets_near(self) -> None:
        rows, validation = pair(1, 200, 50)
        chosen = parameters(loss="absolute_loss")
        exact, trained = train_exactly(chosen, rows, rows), train(chosen, rows, rows)
        loss = "validation:absolute_loss"
        assert exact.metrics[loss] < trained.metrics[loss]
        assert train_exactly(chosen, rows, validation).model.loss == "absolute_loss"

    def test_separates_classes_with_a_threshold(self) -> None:
        random = np.random.default_rng(0)
        features = random.normal(size=(300, 3)).astype(np.float32)
        noisy = features @ [1, 2, 3] + random.normal(size=300)
        rows = Dataset(features, (noisy > 0).astype(np.float32))
        result = train_exactly(parameters("binary_classifier"), rows, rows)
        assert result.metrics["validation:binary_classification_accuracy"] > 0.85

    def test_says_which_losses_it_minimises(self) -> None:
        rows, validation = pair(1, 60, 20)
        with pytest.raises(TrainingError, match="does not minimise huber_loss; it minimises squ"):
            train_exactly(parameters(loss="huber_loss"), rows, validation)

    def test_needs_no_mini_batches(self) -> None:
        rows, validation = pair(1, 20, 10)
        chosen = parameters(loss="squared_loss", mini_batch_size="1000")
        assert train_exactly(chosen, rows, validation).model.feature_dim == 3

"""Hyperparameters: strings in, typed values or a list of all that is wrong out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.linear_learner.hyperparameters import HyperparameterError, Hyperparameters

DOCUMENTED_DEFAULTS = {
    "feature_dim": "auto",
    "num_classes": "1",
    "accuracy_top_k": "3",
    "balance_multiclass_weights": "false",
    "beta_1": "auto",
    "beta_2": "auto",
    "bias_lr_mult": "auto",
    "bias_wd_mult": "auto",
    "binary_classifier_model_selection_criteria": "accuracy",
    "early_stopping_patience": "3",
    "early_stopping_tolerance": "0.001",
    "epochs": "15",
    "f_beta": "1.0",
    "huber_delta": "1.0",
    "init_bias": "0",
    "init_method": "uniform",
    "init_scale": "0.07",
    "init_sigma": "0.01",
    "l1": "auto",
    "learning_rate": "auto",
    "loss": "auto",
    "loss_insensitivity": "0.01",
    "lr_scheduler_factor": "auto",
    "lr_scheduler_minimum_lr": "auto",
    "lr_scheduler_step": "auto",
    "margin": "1.0",
    "mini_batch_size": "1000",
    "momentum": "auto",
    "normalize_data": "auto",
    "normalize_label": "auto",
    "num_calibration_samples": "auto",
    "num_models": "auto",
    "num_point_for_scaler": "10000",
    "optimizer": "auto",
    "positive_example_weight_mult": "1.0",
    "quantile": "0.5",
    "target_precision": "0.8",
    "target_recall": "0.8",
    "unbias_data": "auto",
    "unbias_label": "auto",
    "use_bias": "true",
    "use_lr_scheduler": "true",
    "wd": "auto",
}

WRONG_VALUES = [
    ("predictor_type", "classifier", "one of regressor, binary_classifier, multiclass_classifier"),
    ("feature_dim", "0", "'auto' or an integer of at least 1"),
    ("num_classes", "1000001", "an integer from 1 to 1000000"),
    ("mini_batch_size", "1.5", "an integer of at least 1"),
    ("epochs", "-1", "an integer of at least 1"),
    ("epochs", "1_0", "an integer of at least 1"),
    ("epochs", "9" * 5000, "an integer of at least 1, and of at most 18 digits"),
    ("num_models", "many", "'auto' or an integer of at least 1"),
    ("quantile", "1", "a number between 0 and 1, both excluded"),
    ("huber_delta", "0", "a number greater than 0"),
    ("loss_insensitivity", "-0.1", "a number greater than 0"),
    ("margin", "nan", "a number greater than 0"),
    ("optimizer", "adamw", "one of auto, adam, sgd, rmsprop"),
    ("learning_rate", "0", "'auto' or a number greater than 0"),
    ("momentum", "1", "'auto' or a number from 0 up to 1, 1 excluded"),
    ("beta_2", "1.0", "'auto' or a number from 0 up to 1, 1 excluded"),
    ("use_bias", "yes", "'true' or 'false'"),
    ("normalize_data", "perhaps", "'auto' or 'true' or 'false'"),
    ("lr_scheduler_factor", "1", "'auto' or a number between 0 and 1, both excluded"),
    ("wd", "-1", "'auto' or a number of at least 0"),
    ("l1", "inf", "'auto' or a number of at least 0"),
    ("init_method", "xavier", "one of uniform, normal"),
    ("init_bias", "1e999", "a finite number"),
    ("init_bias", "-1e39", "a finite number, and within ±3.4e+38"),
    ("f_beta", "1e200", "a number greater than 0, and within ±3.4e+38"),
    ("target_recall", "1.1", "a number from 0 to 1"),
    ("positive_example_weight_mult", "0", "one of balanced, auto, or a number greater than 0"),
    (
        "binary_classifier_model_selection_criteria",
        "f1",
        "one of accuracy, f_beta, precision_at_target_recall, recall_at_target_precision, "
        "loss_function",
    ),
]


def violations(**values: str) -> tuple[str, ...]:
    with pytest.raises(HyperparameterError) as refusal:
        Hyperparameters.parse(values)
    return refusal.value.violations


def test_the_documented_defaults_are_what_holds_without_a_value() -> None:
    given_all = Hyperparameters.parse({"predictor_type": "regressor", **DOCUMENTED_DEFAULTS})
    assert given_all == Hyperparameters.parse({"predictor_type": "regressor"})


def test_every_hyperparameter_is_documented() -> None:
    names = set(Hyperparameters.__dataclass_fields__)
    assert names == {"predictor_type", *DOCUMENTED_DEFAULTS}


@pytest.mark.parametrize(("name", "value", "allowed"), WRONG_VALUES)
def test_a_value_that_is_not_allowed_is_refused_with_what_is(
    name: str, value: str, allowed: str
) -> None:
    assert violations(**{"predictor_type": "regressor", name: value}) == (
        f"{name} is {value!r}; it must be {allowed}",
    )


def test_all_violations_are_told_at_once() -> None:
    assert violations(epochs="0", color="red", loss="huber") == (
        "'color' is not a hyperparameter of Linear Learner",
        "epochs is '0'; it must be an integer of at least 1",
        "loss is 'huber'; it must be one of auto, logistic, hinge_loss, squared_loss, "
        "absolute_loss, eps_insensitive_squared_loss, eps_insensitive_absolute_loss, "
        "quantile_loss, huber_loss, softmax_loss",
        "predictor_type is required",
    )


def test_a_loss_must_fit_the_predictor_type() -> None:
    (violation,) = violations(predictor_type="binary_classifier", loss="squared_loss")
    assert violation == (
        "loss is 'squared_loss'; for a binary_classifier it must be one of auto, logistic, "
        "hinge_loss"
    )


@pytest.mark.parametrize(
    ("values", "fault"), [({"num_classes": "2"}, "is '2'"), ({}, "is missing")]
)
def test_a_multiclass_classifier_needs_at_least_three_classes(
    values: dict[str, str], fault: str
) -> None:
    assert violations(predictor_type="multiclass_classifier", **values) == (
        f"num_classes {fault}; for a multiclass_classifier it must be an integer from 3 to 1000000",
    )


@pytest.mark.parametrize(
    ("predictor_type", "loss"),
    [
        ("regressor", "squared_loss"),
        ("binary_classifier", "logistic"),
        ("multiclass_classifier", "softmax_loss"),
    ],
)
def test_loss_auto_depends_on_the_predictor_type(predictor_type: str, loss: str) -> None:
    values = {"predictor_type": predictor_type, "num_classes": "3"}
    assert Hyperparameters.parse(values).loss_function == loss


def test_names_of_the_platform_are_left_alone() -> None:
    values = {"predictor_type": "regressor", "_kvstore": "auto"}
    assert Hyperparameters.parse(values) == Hyperparameters.parse({"predictor_type": "regressor"})


@pytest.mark.parametrize(("objective", "models"), [("validation:mse", 1), ("", 8)])
def test_a_tuning_job_trains_one_model(objective: str, models: int) -> None:
    """The container's own default of the objective, outside a tuning job, is the empty text."""
    values = {"predictor_type": "regressor", "num_models": "8"}
    parsed = Hyperparameters.parse({**values, "_tuning_objective_metric": objective})
    assert parsed.num_models == models


@given(
    st.dictionaries(
        st.sampled_from(sorted(DOCUMENTED_DEFAULTS)), st.text(max_size=12) | st.floats().map(str)
    )
)
def test_any_text_is_either_taken_or_named_in_the_violations(values: dict[str, str]) -> None:
    refused: tuple[str, ...] = ()
    try:
        Hyperparameters.parse({"predictor_type": "regressor", **values})
    except HyperparameterError as error:
        refused = error.violations
    assert all(text.split(" is ")[0] in values for text in refused)

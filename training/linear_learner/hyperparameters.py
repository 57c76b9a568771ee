"""The hyperparameters of Linear Learner, as CreateTrainingJob carries them: strings.

Names, ranges and defaults are those of AWS's page "Linear learner hyperparameters"
(https://docs.aws.amazon.com/sagemaker/latest/dg/ll_hyperparameters.html).
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Self

from training.linear_learner.fields import READER, boolean, choice, integer, number
from training.linear_learner.model import PredictorType


class Loss(StrEnum):
    """The documented values of ``loss``."""

    AUTO = "auto"
    LOGISTIC = "logistic"
    HINGE = "hinge_loss"
    SQUARED = "squared_loss"
    ABSOLUTE = "absolute_loss"
    EPS_INSENSITIVE_SQUARED = "eps_insensitive_squared_loss"
    EPS_INSENSITIVE_ABSOLUTE = "eps_insensitive_absolute_loss"
    QUANTILE = "quantile_loss"
    HUBER = "huber_loss"
    SOFTMAX = "softmax_loss"


class Optimizer(StrEnum):
    """The documented values of ``optimizer``."""

    AUTO = "auto"
    ADAM = "adam"
    SGD = "sgd"
    RMSPROP = "rmsprop"


class InitMethod(StrEnum):
    """The documented values of ``init_method``."""

    UNIFORM = "uniform"
    NORMAL = "normal"


class SelectionCriterion(StrEnum):
    """The documented values of ``binary_classifier_model_selection_criteria``."""

    ACCURACY = "accuracy"
    F_BETA = "f_beta"
    PRECISION_AT_TARGET_RECALL = "precision_at_target_recall"
    RECALL_AT_TARGET_PRECISION = "recall_at_target_precision"
    LOSS_FUNCTION = "loss_function"


LOSSES: Mapping[PredictorType, tuple[Loss, ...]] = {
    PredictorType.REGRESSOR: (
        Loss.SQUARED,
        Loss.ABSOLUTE,
        Loss.EPS_INSENSITIVE_SQUARED,
        Loss.EPS_INSENSITIVE_ABSOLUTE,
        Loss.QUANTILE,
        Loss.HUBER,
    ),
    PredictorType.BINARY_CLASSIFIER: (Loss.LOGISTIC, Loss.HINGE),
    PredictorType.MULTICLASS_CLASSIFIER: (Loss.SOFTMAX,),
}
"""The losses that a predictor type allows; the first is what ``auto`` means."""


class HyperparameterError(ValueError):
    """One or more hyperparameters are not valid; ``violations`` says each in a sentence."""

    def __init__(self, violations: list[str]) -> None:
        super().__init__("; ".join(violations))
        self.violations = tuple(violations)


@dataclass(frozen=True)
class Hyperparameters:
    """All hyperparameters, typed; None stands for ``auto``."""

    predictor_type: PredictorType = choice(PredictorType.REGRESSOR)
    feature_dim: int | None = integer(None)
    num_classes: int = integer(1, 1, 1_000_000)
    mini_batch_size: int = integer(1000)
    epochs: int = integer(15)
    num_models: int | None = integer(None)
    loss: Loss = choice(Loss.AUTO)
    quantile: float = number(0.5, "a number between 0 and 1")
    huber_delta: float = number(1.0, "a number of at least 0")
    loss_insensitivity: float = number(0.01, "a number greater than 0")
    margin: float = number(1.0, "a number of at least 0")

    optimizer: Optimizer = choice(Optimizer.AUTO)
    learning_rate: float | None = number(None, "a number greater than 0")
    momentum: float | None = number(None, "a number from 0 up to, but not, 1")
    beta_1: float | None = number(None, "a number from 0 up to, but not, 1")
    beta_2: float | None = number(None, "a number from 0 up to, but not, 1")
    use_lr_scheduler: bool = boolean(True)
    lr_scheduler_step: int | None = integer(None)
    lr_scheduler_factor: float | None = number(None, "a number between 0 and 1")
    lr_scheduler_minimum_lr: float | None = number(None, "a number greater than 0")
    wd: float | None = number(None, "a number of at least 0")
    l1: float | None = number(None, "a number of at least 0")

    use_bias: bool = boolean(True)
    bias_lr_mult: float | None = number(None, "a number greater than 0")
    bias_wd_mult: float | None = number(None, "a number of at least 0")
    init_method: InitMethod = choice(InitMethod.UNIFORM)
    init_scale: float = number(0.07, "a number greater than 0")
    init_sigma: float = number(0.01, "a number greater than 0")
    init_bias: float = number(0.0, "a finite number")

    normalize_data: bool | None = boolean(None)
    normalize_label: bool | None = boolean(None)
    unbias_data: bool | None = boolean(None)
    unbias_label: bool | None = boolean(None)
    num_point_for_scaler: int = integer(10_000)

    early_stopping_patience: int = integer(3)
    early_stopping_tolerance: float = number(0.001, "a number greater than 0")
    binary_classifier_model_selection_criteria: SelectionCriterion = choice(
        SelectionCriterion.ACCURACY
    )
    num_calibration_samples: int | None = integer(None)
    positive_example_weight_mult: float = number(1.0, "a number greater than 0")
    target_recall: float = number(0.8, "a number from 0 to 1")
    target_precision: float = number(0.8, "a number from 0 to 1")
    f_beta: float = number(1.0, "a number greater than 0")
    accuracy_top_k: int = integer(3)
    balance_multiclass_weights: bool = boolean(False)

    @classmethod
    def parse(cls, values: Mapping[str, str]) -> Self:
        """Reads the strings of a training job; names that begin with ``_`` are the platform's.

        Raises:
            HyperparameterError: names every value that is not allowed, unknown or missing.
        """
        readers = {field.name: field.metadata[READER] for field in fields(cls)}
        given = {name: text for name, text in values.items() if not name.startswith("_")}
        violations = [f"{name} is not a hyperparameter" for name in given if name not in readers]
        if "predictor_type" not in given:
            violations.append("predictor_type is required")
        parsed: dict[str, Any] = {}
        for name in given.keys() & readers.keys():
            try:
                parsed[name] = readers[name](given[name])
            except ValueError as error:
                violations.append(f"{name} is {given[name]!r}; it must be {error}")
        hyperparameters = cls(**parsed)
        violations += hyperparameters._contradictions()
        if violations:
            raise HyperparameterError(sorted(violations))
        return hyperparameters

    @property
    def loss_function(self) -> Loss:
        """The loss, with ``auto`` resolved by the predictor type."""
        return LOSSES[self.predictor_type][0] if self.loss is Loss.AUTO else self.loss

    def _contradictions(self) -> list[str]:
        allowed = LOSSES[self.predictor_type]
        found = []
        if self.loss_function not in allowed:
            found.append(
                f"loss is '{self.loss}'; for a {self.predictor_type} it must be one of "
                + ", ".join((Loss.AUTO, *allowed))
            )
        if self.predictor_type is PredictorType.MULTICLASS_CLASSIFIER and self.num_classes < 3:
            found.append(
                f"num_classes is '{self.num_classes}'; for a {self.predictor_type} it must be an "
                "integer from 3 to 1000000"
            )
        return found

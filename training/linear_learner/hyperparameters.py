"""The hyperparameters of Linear Learner, as CreateTrainingJob carries them: strings.

Names, ranges and defaults are those of AWS's page "Linear learner hyperparameters"
(https://docs.aws.amazon.com/sagemaker/latest/dg/ll_hyperparameters.html).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, Self

from training.linear_learner.fields import (
    DECAY,
    FINITE,
    FRACTION,
    NOT_NEGATIVE,
    POSITIVE,
    PROPORTION,
    READER,
    Reader,
    auto,
    boolean,
    choice,
    either,
    integer,
    number,
)
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


class PositiveWeight(StrEnum):
    """The words that ``positive_example_weight_mult`` takes beside a number."""

    BALANCED = "balanced"
    AUTO = "auto"


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


_TUNING = "_tuning_objective_metric"
"""What the platform adds to the hyperparameters of each training job of a tuning job."""


class HyperparameterError(ValueError):
    """One or more hyperparameters are not valid; ``violations`` says each in a sentence."""

    def __init__(self, violations: list[str]) -> None:
        super().__init__("; ".join(violations))
        self.violations = tuple(violations)


@dataclass(frozen=True)
class Hyperparameters:
    """All hyperparameters, typed; None stands for ``auto``."""

    predictor_type: PredictorType = field(metadata=choice(PredictorType))
    feature_dim: int | None = field(default=None, metadata=auto(integer()))
    num_classes: int = field(default=1, metadata=integer(maximum=1_000_000))
    mini_batch_size: int = field(default=1000, metadata=integer())
    epochs: int = field(default=15, metadata=integer())
    num_models: int | None = field(default=None, metadata=auto(integer()))

    loss: Loss = field(default=Loss.AUTO, metadata=choice(Loss))
    quantile: float = field(default=0.5, metadata=number(FRACTION))
    huber_delta: float = field(default=1.0, metadata=number(POSITIVE))
    loss_insensitivity: float = field(default=0.01, metadata=number(POSITIVE))
    margin: float = field(default=1.0, metadata=number(POSITIVE))

    optimizer: Optimizer = field(default=Optimizer.AUTO, metadata=choice(Optimizer))
    learning_rate: float | None = field(default=None, metadata=auto(number(POSITIVE)))
    momentum: float | None = field(default=None, metadata=auto(number(DECAY)))
    beta_1: float | None = field(default=None, metadata=auto(number(DECAY)))
    beta_2: float | None = field(default=None, metadata=auto(number(DECAY)))
    use_lr_scheduler: bool = field(default=True, metadata=boolean())
    lr_scheduler_step: int | None = field(default=None, metadata=auto(integer()))
    lr_scheduler_factor: float | None = field(default=None, metadata=auto(number(FRACTION)))
    lr_scheduler_minimum_lr: float | None = field(default=None, metadata=auto(number(POSITIVE)))
    wd: float | None = field(default=None, metadata=auto(number(NOT_NEGATIVE)))
    l1: float | None = field(default=None, metadata=auto(number(NOT_NEGATIVE)))

    use_bias: bool = field(default=True, metadata=boolean())
    bias_lr_mult: float | None = field(default=None, metadata=auto(number(POSITIVE)))
    bias_wd_mult: float | None = field(default=None, metadata=auto(number(NOT_NEGATIVE)))
    init_method: InitMethod = field(default=InitMethod.UNIFORM, metadata=choice(InitMethod))
    init_scale: float = field(default=0.07, metadata=number(POSITIVE))
    init_sigma: float = field(default=0.01, metadata=number(POSITIVE))
    init_bias: float = field(default=0.0, metadata=number(FINITE))

    normalize_data: bool | None = field(default=None, metadata=auto(boolean()))
    normalize_label: bool | None = field(default=None, metadata=auto(boolean()))
    unbias_data: bool | None = field(default=None, metadata=auto(boolean()))
    unbias_label: bool | None = field(default=None, metadata=auto(boolean()))
    num_point_for_scaler: int = field(default=10_000, metadata=integer())

    early_stopping_patience: int = field(default=3, metadata=integer())
    early_stopping_tolerance: float = field(default=0.001, metadata=number(POSITIVE))
    binary_classifier_model_selection_criteria: SelectionCriterion = field(
        default=SelectionCriterion.ACCURACY, metadata=choice(SelectionCriterion)
    )
    num_calibration_samples: int | None = field(default=None, metadata=auto(integer()))
    positive_example_weight_mult: float | PositiveWeight = field(
        default=1.0, metadata=either(choice(PositiveWeight), number(POSITIVE))
    )
    target_recall: float = field(default=0.8, metadata=number(PROPORTION))
    target_precision: float = field(default=0.8, metadata=number(PROPORTION))
    f_beta: float = field(default=1.0, metadata=number(POSITIVE))
    accuracy_top_k: int = field(default=3, metadata=integer())
    balance_multiclass_weights: bool = field(default=False, metadata=boolean())

    @classmethod
    def parse(cls, values: Mapping[str, str]) -> Self:
        """Reads the strings of a training job; names that begin with ``_`` are the platform's.

        In a tuning job ``num_models`` is 1, whatever was given, as AWS documents ("Tune a linear
        learner model").

        Raises
        ------
        HyperparameterError
            Names every value that is unknown, missing or not allowed.
        """
        given = {name: text for name, text in values.items() if not name.startswith("_")}
        parsed, violations = _read(given, {f.name: f.metadata[READER] for f in fields(cls)})
        if "predictor_type" not in given:
            violations.append("predictor_type is required")
        if values.get(_TUNING):
            parsed["num_models"] = 1
        if "predictor_type" in parsed:
            hyperparameters = cls(**parsed)
            violations += hyperparameters._contradictions(given)
        if violations:
            raise HyperparameterError(sorted(violations))
        return hyperparameters

    @property
    def loss_function(self) -> Loss:
        """The loss, with ``auto`` resolved by the predictor type."""
        return LOSSES[self.predictor_type][0] if self.loss is Loss.AUTO else self.loss

    @property
    def outputs(self) -> int:
        """How many scores a model gives a row: one, or one for each class."""
        several = self.predictor_type is PredictorType.MULTICLASS_CLASSIFIER
        return self.num_classes if several else 1

    def _contradictions(self, given: Mapping[str, str]) -> list[str]:
        allowed = LOSSES[self.predictor_type]
        found = []
        if self.loss_function not in allowed:
            found.append(
                f"loss is '{self.loss}'; for a {self.predictor_type} it must be one of "
                + ", ".join((Loss.AUTO, *allowed))
            )
        if self.predictor_type is PredictorType.MULTICLASS_CLASSIFIER and self.num_classes < 3:
            fault = f"is '{self.num_classes}'" if "num_classes" in given else "is missing"
            found.append(
                f"num_classes {fault}; for a {self.predictor_type} it must be an integer from 3 to "
                "1000000"
            )
        return found


def _read(
    given: Mapping[str, str], readers: Mapping[str, Reader]
) -> tuple[dict[str, Any], list[str]]:
    """The values that could be read, and a sentence on each that could not."""
    parsed: dict[str, Any] = {}
    violations = []
    for name, text in given.items():
        if name not in readers:
            violations.append(f"{name!r} is not a hyperparameter of Linear Learner")
            continue
        try:
            parsed[name] = readers[name](text)
        except ValueError as error:
            violations.append(f"{name} is {text!r}; it must be {error}")
    return parsed, violations

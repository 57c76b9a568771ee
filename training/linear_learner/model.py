"""What all else turns around: a trained linear model, and rows with labels."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]


class PredictorType(StrEnum):
    """What the model predicts; the values are those of the hyperparameter ``predictor_type``."""

    REGRESSOR = "regressor"
    BINARY_CLASSIFIER = "binary_classifier"
    MULTICLASS_CLASSIFIER = "multiclass_classifier"


DEFAULT_METRICS_PARAMS: Mapping[str, object] = MappingProxyType(
    {
        "quantile": None,
        "huber_delta": None,
        "margin": None,
        "loss_insensitivity": None,
        "eps_insensitive_loss_type": None,
        "accuracy_top_k": 3,
        "f_beta": None,
        "positive_example_weight_mult": 1.0,
        "class_weights": None,
        "threshold": 0.5,
    }
)
"""``metrics_params`` of a regressor, its keys in the order in which the service writes them."""


@dataclass(frozen=True, eq=False, slots=True)
class LinearModel:
    """A model as its artifact holds it: ``score = link(features @ weights + bias)``.

    Normalisation is folded into the weights, so ``features`` are the raw ones.

    Attributes
    ----------
    predictor_type
        What the model predicts.
    loss
        The loss it was trained with, by the name that the artifact carries.
    weights
        Float32 of shape (d, k): d features, k outputs (k > 1 for multiclass only).
    bias
        Float32 of shape (k,).
    threshold
        The score from which on a binary classifier answers the label 1.
    metrics_params
        The parameters of the quality metrics, kept as the artifact has them.
    graph_number
        The running number in the node names of the artifact's graph. It means
        nothing for the answers; it is kept so that an artifact is rewritten byte for byte.

    Raises
    ------
    ValueError
        The arrays do not fit each other or the predictor type, or a number is not
        finite.
    """

    predictor_type: PredictorType
    loss: str
    weights: Float32Array
    bias: Float32Array
    threshold: float = 0.5
    metrics_params: Mapping[str, object] = field(default_factory=lambda: DEFAULT_METRICS_PARAMS)
    graph_number: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", np.ascontiguousarray(self.weights, np.float32))
        object.__setattr__(self, "bias", np.ascontiguousarray(self.bias, np.float32))
        if self.weights.ndim != 2 or self.weights.size == 0:
            raise ValueError(f"weights have shape {self.weights.shape}; (d, k) is needed")
        if self.bias.shape != self.weights.shape[1:]:
            raise ValueError(f"bias has shape {self.bias.shape}; {self.weights.shape[1:]} needed")
        for name in ("weights", "bias", "threshold"):
            if not np.isfinite(getattr(self, name)).all():
                raise ValueError(f"{name}: not finite numbers only")
        several = self.predictor_type is PredictorType.MULTICLASS_CLASSIFIER
        if several != (self.outputs > 1):
            raise ValueError(f"a {self.predictor_type} cannot have {self.outputs} output(s)")

    @property
    def feature_dim(self) -> int:
        """The number of features d."""
        return len(self.weights)

    @property
    def outputs(self) -> int:
        """The number of outputs k: the classes of a multiclass classifier, otherwise 1."""
        return len(self.bias)


@dataclass(frozen=True, eq=False)
class Dataset:
    """The rows of one channel, in file order.

    Attributes
    ----------
    features
        Float32 of shape (n, d).
    labels
        Float32 of shape (n,).

    Raises
    ------
    ValueError
        The shapes do not fit.
    """

    features: Float32Array
    labels: Float32Array

    def __post_init__(self) -> None:
        if self.features.ndim != 2 or self.labels.shape != self.features.shape[:1]:
            raise ValueError(
                f"features of shape {self.features.shape} with labels of shape {self.labels.shape}"
            )

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def feature_dim(self) -> int:
        """The number of features d."""
        return int(self.features.shape[1])

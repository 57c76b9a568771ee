"""Rows with their labels, in memory."""

from dataclasses import dataclass

from training.linear_learner.model import Float32Array


@dataclass(frozen=True, eq=False)
class Dataset:
    """The rows of one channel, in file order.

    Attributes:
        features: float32 of shape (n, d).
        labels: float32 of shape (n,).

    Raises:
        ValueError: the shapes do not fit.
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

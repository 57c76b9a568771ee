"""Decides when an epoch is better than those before it, and when to end training."""

from dataclasses import dataclass


@dataclass
class EarlyStopping:
    """Follows the value of one criterion over the epochs.

    An epoch improves when its value is better than the best one by ``tolerance`` times that, at
    least. Training ends with the first epoch after ``patience`` that have not improved.
    """

    patience: int
    tolerance: float
    greater_is_better: bool = False
    best: float | None = None
    epochs_without_improvement: int = 0

    def improves(self, value: float) -> bool:
        """Takes the value of the next epoch."""
        if self._is_better(value):
            self.best, self.epochs_without_improvement = value, 0
            return True
        self.epochs_without_improvement += 1
        return False

    @property
    def is_over(self) -> bool:
        """Whether patience has run out."""
        return self.epochs_without_improvement > self.patience

    def _is_better(self, value: float) -> bool:
        if self.best is None:
            return True
        gain = value - self.best if self.greater_is_better else self.best - value
        return gain > 0 and gain >= self.tolerance * abs(self.best)

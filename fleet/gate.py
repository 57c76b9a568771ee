"""Whether a new version may serve: judged against baselines and against the one that serves.

All errors are mean absolute errors on the same validation rows, in the label's unit; of a
classifier the share of wrong classes. How far a model is from least squares is told on a scale that
needs no unit: 0 is as good as least squares, 1 no better than the median label (the most frequent
class) of the training rows. Whether a model has learned anything at all is told by its *signal*:
how many standard deviations its answers agree better with the labels than they would with the same
labels in another order, see ``training.fleet_trainer.measures``. A classifier's threshold is tuned
on the validation rows, so that on them even one of noise is no worse than the most frequent class.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from fleet.versions import Candidate, Verdict
from fleet.words import significant


@dataclass(frozen=True)
class GateRules:
    """What a stage asks of a model before it serves.

    Parameters
    ----------
    minimum_rows
        Training rows.
    maximum_distance
        From least squares: 0 as good, 1 no better than the median. Few epochs of a stochastic
        gradient rarely reach 0.
    minimum_signal
        Standard deviations above chance. The best of 32 candidates of nothing but noise has 1.5 in
        the mean, and 3 once in 30 to 100 times.
    maximum_regression
        How much greater, as a share, the error may be than that of the version that serves.
    """

    minimum_rows: int = 50
    maximum_distance: float = 0.5
    minimum_signal: float = 3.0
    maximum_regression: float = 0.05


def judge(candidate: Candidate, rules: GateRules) -> Verdict:
    """What the gate says of a candidate, by what its training measured."""
    reasons = tuple(_reasons(candidate, rules))
    return Verdict(not reasons, reasons)


def distance(candidate: Candidate) -> float | None:
    """How far from least squares, 0 to 1 and beyond; None where that was not measured."""
    mae = candidate.metrics.get("mae")
    median = candidate.baselines.get("median_mae")
    least_squares = candidate.baselines.get("least_squares_mae")
    if mae is None or median is None or least_squares is None or median <= least_squares:
        return None
    return (mae - least_squares) / (median - least_squares)


def _reasons(candidate: Candidate, rules: GateRules) -> Iterator[str]:
    mae = candidate.metrics.get("mae")
    median = candidate.baselines.get("median_mae")
    if mae is None or median is None:
        yield "its error was not measured on validation rows"
        return
    if not math.isfinite(mae):
        yield "its predictions are not finite numbers"
        return
    if candidate.train_rows < rules.minimum_rows:
        yield f"{candidate.train_rows} training rows; at least {rules.minimum_rows} are needed"
    if mae >= median:
        yield f"error {significant(mae)}; predicting the median gives {significant(median)}"
    signal = candidate.metrics.get("signal")
    if signal is not None and signal < rules.minimum_signal:
        yield (
            f"its answers to {candidate.validation_rows} rows agree with the labels"
            f" {signal:.2f} standard deviations better than with shuffled ones; at least"
            f" {rules.minimum_signal:g} are needed"
        )
    far = distance(candidate)
    if far is not None and far > rules.maximum_distance:
        least_squares = candidate.baselines["least_squares_mae"]
        yield (
            f"error {significant(mae)}; least squares gives {significant(least_squares)}, which is"
            f" {far:.0%} of the way to the median; at most {rules.maximum_distance:.0%}"
        )
    serving = candidate.metrics.get("serving_mae")
    if serving is not None and mae > serving * (1 + rules.maximum_regression):
        yield (
            f"error {significant(mae)}; the version that serves has {significant(serving)} on the"
            " same rows,"
            f" and at most {rules.maximum_regression:.0%} more is let pass"
        )

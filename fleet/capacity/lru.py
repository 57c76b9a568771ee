"""Hit ratios of a least-recently-used cache of models, by formula and by exact simulation."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

BISECTION_STEPS = 60
EXACT_RANKS = 1_000
GROUP_WIDTH = 0.01


@dataclass(frozen=True)
class Popularity:
    """How likely models are to be invoked next, independently of what came before.

    Attributes
    ----------
    probabilities
        Of one model of each group, shape (groups,).
    models
        How many models each group has, shape (groups,).
    """

    probabilities: NDArray[np.float64]
    models: NDArray[np.int64]

    @classmethod
    def of_each(cls, probabilities: NDArray[np.float64]) -> Self:
        """Each model with a probability of its own."""
        return cls(probabilities, np.ones(len(probabilities), dtype=np.int64))

    @classmethod
    def zipf(cls, models: int, exponent: float) -> Self:
        """The model of rank r is invoked in proportion to r^-exponent; 0 is uniform.

        Popularity on the web is mostly between 0.6 and 1 (Breslau et al., "Web Caching and
        Zipf-like Distributions", INFOCOM 1999). From rank 1,000 on, models whose ranks are
        within one hundredth of each other count as equally popular, so that ten million cost little
        more than a thousand.
        """
        first = np.arange(1, min(models, EXACT_RANKS) + 1, dtype=np.int64)
        if models > EXACT_RANKS:
            steps = math.ceil(math.log(models / EXACT_RANKS) / GROUP_WIDTH)
            tail = np.geomspace(EXACT_RANKS + 1, models + 1, steps + 1).astype(np.int64)
            first = np.r_[first, np.unique(tail[:-1])]
        count = np.diff(np.r_[first, models + 1])
        weights = np.sqrt(first * (first + count - 1.0)) ** -exponent
        return cls(weights / (weights @ count), count)

    def hit_ratio(self, capacity: int) -> float:
        """The share of requests that find their model in a cache of ``capacity`` models.

        By Che's approximation: whichever it is, a model stays about the time T in which as many
        different models are invoked as fit, so that a model of probability p is found with
        1 - exp(-p T) (Che, Tung and Wang, "Hierarchical Web Caching Systems", IEEE JSAC 20(7),
        2002; Fricker, Robert and Roberts, "A versatile and accurate approximation for LRU cache
        performance", ITC 2012).
        """
        if capacity >= self.models[self.probabilities > 0].sum():
            return 1.0
        if capacity <= 0:
            return 0.0
        low, high = 0.0, 1.0
        while self._different_models(high) < capacity:
            low, high = high, 2 * high
        for _ in range(BISECTION_STEPS):
            middle = (low + high) / 2
            if self._different_models(middle) < capacity:
                low = middle
            else:
                high = middle
        return float(-(self.models * self.probabilities) @ np.expm1(-self.probabilities * high))

    def _different_models(self, requests: float) -> float:
        return float(-self.models @ np.expm1(-self.probabilities * requests))


class ReuseDistances:
    """An exact LRU simulation of one trace, for every cache size at once.

    A request is a hit in a cache of C models if fewer than C other models were invoked since the
    last request for its own: that number is the reuse distance (Mattson et al., "Evaluation
    Techniques for Storage Hierarchies", IBM Systems Journal 9(2), 1970).

    Parameters
    ----------
    trace
        The invoked models as numbers or names, in order.
    """

    def __init__(self, trace: Sequence[str] | NDArray[np.int64]) -> None:
        names, models = np.unique(np.asarray(trace), return_inverse=True)
        self.requests = len(models)
        self.models = len(names)
        previous = _previous_requests(models)
        again = np.flatnonzero(previous >= 0)
        between = again - previous[again] - 1
        # Of the requests in between, those whose model was invoked in between before count twice.
        self._sorted = np.sort(between - _earlier_and_greater(previous)[again])

    def hit_ratio(self, capacity: int) -> float:
        """The share of all requests, first ones included, that a cache of ``capacity`` answers."""
        hits = int(np.searchsorted(self._sorted, capacity, side="left"))
        return hits / self.requests if self.requests else 0.0

    def warm_hit_ratio(self, capacity: int) -> float:
        """The same without each model's first request, which no cache can answer."""
        hits = int(np.searchsorted(self._sorted, capacity, side="left"))
        return hits / len(self._sorted) if len(self._sorted) else 0.0


def _previous_requests(models: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each request the position of the last one for the same model, or -1."""
    by_model = np.argsort(models, kind="stable")
    previous = np.full(len(models), -1, dtype=np.int64)
    same = models[by_model[1:]] == models[by_model[:-1]]
    previous[by_model[1:][same]] = by_model[:-1][same]
    return previous


def _earlier_and_greater(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each value the number of earlier ones that are greater; values are -1 or distinct.

    One bit after another, from the highest: among values that agree in all higher bits, those
    with a 0 have every earlier one with a 1 before them that is greater.
    """
    counts = np.zeros(len(values), dtype=np.int64)
    order = np.arange(len(values))
    keys = values + 1
    for bit in reversed(range(int(keys.max(initial=0)).bit_length())):
        group = keys[order] >> (bit + 1)
        ones = (keys[order] >> bit) & 1
        starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
        sizes = np.diff(np.r_[starts, len(group)])
        ones_before = np.cumsum(ones) - ones
        in_group = ones_before - np.repeat(ones_before[starts], sizes)
        zeros = ones == 0
        counts[order[zeros]] += in_group[zeros]
        start_of = np.repeat(starts, sizes)
        zeros_in_group = sizes - np.add.reduceat(ones, starts)
        position = np.where(
            zeros,
            np.arange(len(order)) - in_group,
            start_of + np.repeat(zeros_in_group, sizes) + in_group,
        )
        placed = np.empty_like(order)
        placed[position] = order
        order = placed
    return counts

"""How far the inputs of today are from the rows that a model was trained on.

The population stability index of one column: the sum over bins of ``(p - q) * ln(p / q)``, with
the shares q of the training rows and p of the later ones. Below 0.1 is commonly read as stable,
above 0.25 as shifted (Siddiqi, "Credit Risk Scorecards", 2006). SageMaker's Model Monitor does not
support multi-model endpoints, hence here.
"""

import bisect
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

BINS = 10
MOST_VALUES = 20
STABLE, SHIFTED = 0.1, 0.25
LEAST_SHARE = 1e-4
"""In place of an empty bin's share: the logarithm of 0 is none."""
OTHER = "(other)"

Values = Sequence[float] | Sequence[str]
Description = Mapping[str, Any]
"""``{"edges": [...], "shares": [...]}`` of numbers, one share more than there are edges; or
``{"values": {value: share}}`` of texts."""


def describe_columns(columns: Mapping[str, Values]) -> dict[str, Description]:
    """The distribution of each column, small enough to keep with a model."""
    return {name: describe(values) for name, values in columns.items() if len(values)}


def describe(values: Values) -> Description:
    """The distribution of one column: shares between its deciles, or of its values."""
    if isinstance(values[0], str):
        counts = Counter(map(str, values)).most_common(MOST_VALUES)
        known = {value: count / len(values) for value, count in counts}
        rest = 1 - sum(known.values())
        return {"values": {**known, OTHER: rest} if rest > 1e-9 else known}
    ordered = sorted(map(float, values))
    deciles = {ordered[len(ordered) * part // BINS] for part in range(1, BINS)}
    edges = sorted(deciles - {ordered[0]})
    return {"edges": edges, "shares": _shares(edges, ordered)}


def stability_index(description: Description, values: Values) -> float:
    """The population stability index of ``values`` against a description."""
    if "values" in description:
        known: Mapping[str, float] = description["values"]
        counts = Counter(str(v) if str(v) in known else OTHER for v in values)
        names = {*known, *counts}
        pairs = [(known.get(name, 0.0), counts[name] / len(values)) for name in names]
    else:
        shares = _shares(description["edges"], [float(value) for value in values])
        pairs = list(zip(description["shares"], shares, strict=True))
    return sum(_term(max(q, LEAST_SHARE), max(p, LEAST_SHARE)) for q, p in pairs)


def stability_indices(
    descriptions: Mapping[str, Description], columns: Mapping[str, Values]
) -> dict[str, float]:
    """The index of each column that both know."""
    return {
        name: stability_index(description, columns[name])
        for name, description in descriptions.items()
        if len(columns.get(name, ()))
    }


def _shares(edges: Sequence[float], values: Sequence[float]) -> list[float]:
    counts = [0] * (len(edges) + 1)
    for value in values:
        counts[bisect.bisect_right(edges, value)] += 1
    return [count / len(values) for count in counts]


def _term(expected: float, actual: float) -> float:
    return (actual - expected) * math.log(actual / expected)

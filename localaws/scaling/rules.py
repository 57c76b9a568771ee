"""How many instances a scaling policy wants."""

import math
from collections.abc import Mapping
from typing import Any

Configuration = Mapping[str, Any]


def tracking_capacity(current: int, value: float, target: float) -> int:
    """The instances over which a metric per instance would be at its target.

    AWS says that it scales out in proportion to the metric, not by which formula:
    https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html
    """
    return math.ceil(current * value / target)


def step_capacity(current: int, breach: float, configuration: Configuration) -> int:
    """The instances after the step for a metric that is ``breach`` above its alarm's threshold.

    ``configuration`` is a StepScalingPolicyConfiguration; without a step for this breach the
    capacity stays. https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html
    """
    adjustment = _adjustment(breach, configuration.get("StepAdjustments", []))
    if adjustment is None:
        return current
    match configuration.get("AdjustmentType", "ChangeInCapacity"):
        case "ExactCapacity":
            return adjustment
        case "PercentChangeInCapacity":
            return current + _percent_change(current, adjustment, configuration)
        case _:
            return current + adjustment


def _adjustment(breach: float, steps: list[dict[str, Any]]) -> int | None:
    """A bound that is not given is infinite; the one nearer to the threshold is inclusive."""
    for step in steps:
        lower = step.get("MetricIntervalLowerBound", -math.inf)
        upper = step.get("MetricIntervalUpperBound", math.inf)
        inside = lower <= breach < upper if breach >= 0 else lower < breach <= upper
        if inside:
            return int(step["ScalingAdjustment"])
    return None


def _percent_change(current: int, percent: int, configuration: Configuration) -> int:
    """Rounded toward zero, but to 1 at least."""
    exact = current * percent / 100
    at_least = max(1, configuration.get("MinAdjustmentMagnitude", 1))
    size = max(at_least, math.floor(abs(exact)))
    return int(math.copysign(size, exact)) if percent else 0

"""When a CloudWatch alarm changes its state.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html and
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

AlarmState = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
MissingData = Literal["missing", "ignore", "breaching", "notBreaching"]

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


@dataclass(frozen=True)
class AlarmRule:
    """When an alarm goes off: ``datapoints_to_alarm`` of the last periods breach the threshold.

    ``comparison`` is one of ``COMPARISONS``.
    """

    comparison: str
    threshold: float
    datapoints_to_alarm: int = 1
    missing_data: MissingData = "missing"

    def breaches(self, value: float) -> bool:
        """Whether one datapoint is on the wrong side of the threshold."""
        return COMPARISONS[self.comparison](value, self.threshold)


def next_state(
    rule: AlarmRule, datapoints: Sequence[float | None], current: AlarmState
) -> AlarmState:
    """The state after the last evaluation periods; None where a period had no data."""
    present = [value for value in datapoints if value is not None]
    breaching = sum(rule.breaches(value) for value in present)
    if rule.missing_data == "breaching":
        breaching += len(datapoints) - len(present)
    elif not present and rule.missing_data == "missing":
        return "INSUFFICIENT_DATA"
    elif not present and rule.missing_data == "ignore":
        return current
    return "ALARM" if breaching >= rule.datapoints_to_alarm else "OK"

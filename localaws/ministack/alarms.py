"""Alarms that follow their metrics.

MiniStack evaluates alarms when metrics are put, over the metrics of all dimensions together, and
leaves an alarm in its state once data stops. Here they are evaluated every second, each over its
own metric, with missing data treated as the alarm says.
"""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import cloudwatch

from localaws.alarm_state import COMPARISONS, AlarmRule, AlarmState, next_state

INTERVAL_SECONDS = 1.0
log = logging.getLogger(__name__)

Alarm = dict[str, Any]
Point = Mapping[str, Any]


class AlarmEvaluator:
    """Evaluates all metric alarms of all accounts and regions, in place of MiniStack."""

    def __init__(self) -> None:
        cloudwatch._evaluate_alarm = lambda alarm: None

    async def run(self) -> None:
        """Evaluate until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            self.evaluate(time.time())

    def evaluate(self, now: float) -> None:
        """Evaluate every alarm as of ``now``, in seconds since the epoch."""
        for account_id, region in {key[:2] for key in list(cloudwatch._alarms._data)}:
            with request_scope(account_id, region):
                for alarm in cloudwatch._alarms.values():
                    _evaluate(alarm, now)


def _evaluate(alarm: Alarm, now: float) -> None:
    if alarm.get("ComparisonOperator") not in COMPARISONS or not alarm.get("MetricName"):
        return  # alarms on metric math and anomaly bands stay as they are
    datapoints = _datapoints(alarm, now)
    rule = AlarmRule(
        alarm["ComparisonOperator"],
        float(alarm["Threshold"]),
        alarm.get("DatapointsToAlarm") or len(datapoints),
        alarm.get("TreatMissingData") or "missing",
    )
    state = next_state(rule, datapoints, alarm["StateValue"])
    if state != alarm["StateValue"]:
        _set_state(alarm, state, _reason(rule, datapoints, state))


def _datapoints(alarm: Alarm, now: float) -> list[float | None]:
    """The alarm's statistic over each of its evaluation periods, oldest first."""
    period, count = int(alarm.get("Period", 60)), int(alarm.get("EvaluationPeriods", 1))
    dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(alarm.get("Dimensions") or []))
    key = (alarm["Namespace"], alarm["MetricName"], dimensions)
    windows: list[list[Point]] = [[] for _ in range(count)]
    for point in reversed(cloudwatch._metrics.get(key) or []):
        age = int((now - point["Timestamp"]) // period)
        if age > 2 * count:  # points come nearly in the order of their time
            break
        if 0 <= age < count:
            windows[count - 1 - age].append(point)
    statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
    return [_statistic(points, statistic) for points in windows]


def _statistic(points: Sequence[Point], name: str) -> float | None:
    statistics = cloudwatch._calc_stats(points)
    if not statistics:
        return None
    value: float | None = cloudwatch._stat_value(statistics, name, points)
    return value


def _set_state(alarm: Alarm, state: AlarmState, reason: str) -> None:
    before = alarm["StateValue"]
    alarm["StateValue"] = state
    alarm["StateReason"] = reason
    alarm["StateUpdatedTimestamp"] = int(time.time())
    log.info("alarm %s: %s", alarm["AlarmName"], reason)
    cloudwatch._record_history(alarm["AlarmName"], before, state, reason)
    cloudwatch._dispatch_alarm_actions(alarm, before, state, reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def _reason(rule: AlarmRule, datapoints: Sequence[float | None], state: AlarmState) -> str:
    shown = ", ".join("no data" if value is None else f"{value:g}" for value in datapoints)
    return (
        f"{state}: the last {len(datapoints)} datapoints [{shown}] against "
        f"{rule.comparison} {rule.threshold:g}, {rule.datapoints_to_alarm} to alarm, "
        f"missing data {rule.missing_data}"
    )

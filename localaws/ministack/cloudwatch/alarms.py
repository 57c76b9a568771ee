"""Alarms that follow their metrics.

MiniStack evaluates alarms when metrics are put, over the metrics of all dimensions together, and
leaves an alarm in its state once data stops. Here they are evaluated every second, each over its
own metric, with missing data treated as the alarm says.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import cloudwatch

from localaws.backend import AlarmInvocation, MetricAlarm, Scope
from localaws.ministack import patches
from localaws.ministack.cloudwatch.alarm_state import COMPARISONS, AlarmRule, AlarmState, next_state
from localaws.ministack.cloudwatch.metric_store import values_of

INTERVAL_SECONDS = 1.0
MOST_SHARE = 0.02
"""Of the event loop's time that evaluation takes, however many alarms there are."""
INVOCATION_SECONDS = 60.0
"""An alarm that stays in ALARM asks for a scaling action again, every minute."""
SCALING_POLICIES = "arn:aws:autoscaling:"

MOST_CHANGES = 10_000
"""Of alarms that are kept, where AWS keeps those of 30 days."""

log = logging.getLogger(__name__)

Alarm = dict[str, Any]


def newest(entries: Callable[[], list[Alarm]]) -> Callable[[], list[Alarm]]:
    """The history without its oldest entries, where they are too many."""

    def kept() -> list[Alarm]:
        found = entries()
        del found[:-MOST_CHANGES]
        return found

    return kept


class AlarmEvaluator:
    """Evaluates all metric alarms of all accounts and regions, in place of MiniStack.

    ``scale`` is called for each scaling policy that is an action of an alarm in ALARM.
    """

    def __init__(self, scale: Callable[[AlarmInvocation], object]) -> None:
        patches.replace(cloudwatch, "_evaluate_alarm", lambda _: lambda alarm: None)
        patches.replace(cloudwatch, "_history_entries", newest)
        self._scale = scale
        self._asked_at: dict[str, float] = {}

    async def run(self) -> None:
        """Evaluate until cancelled."""
        while True:
            took = await self.evaluate(time.time())
            await asyncio.sleep(max(INTERVAL_SECONDS, took / MOST_SHARE))

    async def evaluate(self, now: float) -> float:
        """Evaluate every alarm as of ``now``, in seconds since the epoch; the seconds that took.

        Whoever waits is served between one alarm and the next, and that time is not counted:
        else the alarms of a busy server would be late for as long as it is busy.
        """
        took = 0.0
        asked_at = {}
        for account_id, region in {key[:2] for key in list(cloudwatch._alarms._data)}:
            scope = Scope(account_id, region)
            with request_scope(account_id, region):
                alarms = cloudwatch._alarms.values()
            for alarm in alarms:
                await asyncio.sleep(0)
                began = time.perf_counter()
                with request_scope(account_id, region):
                    value = _evaluate(alarm, now)
                    if value is not None and alarm["StateValue"] == "ALARM":
                        asked_at[alarm["AlarmArn"]] = self._ask(scope, alarm, value, now)
                took += time.perf_counter() - began
        self._asked_at = asked_at
        return took

    def _ask(self, scope: Scope, alarm: Alarm, value: float, now: float) -> float:
        """Ask for scaling unless that was done within the last minute; when it was done last."""
        asked_at = self._asked_at.get(alarm["AlarmArn"], 0.0)
        if now - asked_at < INVOCATION_SECONDS or not alarm["ActionsEnabled"]:
            return asked_at
        for action in alarm["AlarmActions"]:
            if action.startswith(SCALING_POLICIES):
                name, threshold = alarm["AlarmName"], float(alarm["Threshold"])
                self._scale(AlarmInvocation(scope, action, name, threshold, value))
        return now


def new_alarm(scope: Scope, alarm: MetricAlarm) -> Alarm:
    """An alarm as MiniStack keeps it, before its first evaluation."""
    moment = int(time.time())
    return {
        "AlarmName": alarm.name,
        "AlarmArn": f"arn:aws:cloudwatch:{scope.region}:{scope.account_id}:alarm:{alarm.name}",
        "AlarmDescription": alarm.description,
        "MetricName": alarm.metric,
        "Namespace": alarm.namespace,
        "Statistic": alarm.statistic,
        "ExtendedStatistic": None,
        "Dimensions": [{"Name": name, "Value": of} for name, of in alarm.dimensions.items()],
        "Unit": None,
        "Period": alarm.period_seconds,
        "EvaluationPeriods": alarm.evaluation_periods,
        "DatapointsToAlarm": None,
        "Threshold": alarm.threshold,
        "ComparisonOperator": alarm.comparison,
        "TreatMissingData": "missing",
        "StateValue": "INSUFFICIENT_DATA",
        "StateReason": "Unchecked: Initial alarm creation",
        "StateUpdatedTimestamp": moment,
        "AlarmConfigurationUpdatedTimestamp": moment,
        "ActionsEnabled": True,
        "AlarmActions": list(alarm.actions),
        "OKActions": [],
        "InsufficientDataActions": [],
    }


def _evaluate(alarm: Alarm, now: float) -> float | None:
    """Set the alarm's state; its latest datapoint."""
    if alarm.get("ComparisonOperator") not in COMPARISONS or not alarm.get("MetricName"):
        return None  # alarms on metric math and anomaly bands stay as they are
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
    return next((value for value in reversed(datapoints) if value is not None), None)


def _datapoints(alarm: Alarm, now: float) -> list[float | None]:
    """The alarm's statistic over each of its evaluation periods, oldest first."""
    period, count = int(alarm.get("Period", 60)), int(alarm.get("EvaluationPeriods", 1))
    values = values_of(alarm["Namespace"], alarm["MetricName"], alarm.get("Dimensions"))
    if values is None:
        return [None] * count
    statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
    # A value of the current second counts already.
    ends = [math.floor(now) + 1 - period * age for age in reversed(range(count))]
    return [values.sum_up(end - period, end).statistic(statistic) for end in ends]


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

"""Scheduled scaling: at its times an action sets the bounds of a scalable target.

https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-scheduled-scaling.html
"""

import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from localaws.autoscaling.scaler import Scaler
from localaws.autoscaling.targets import (
    SCHEDULED_ACTION,
    TARGET,
    concerns,
    page,
    scheduled_action_name,
    target_name,
    target_of,
)
from localaws.backend import Scope
from localaws.errors import AwsError
from localaws.sagemaker.resources import (
    Request,
    ResourceFamily,
    Response,
    now,
    validation_exception,
)
from localaws.sagemaker.store import ResourceStore

Action = dict[str, Any]
NextOfCron = Callable[[str, datetime], datetime | None]
"""The first time after another, in its zone; ValueError for what is no cron expression."""

_AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")
_RATE = re.compile(r"rate\(([1-9]\d{0,7}) (minute|hour|day)s?\)")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}


class ScheduledActions(ResourceFamily):
    """Put, Describe and DeleteScheduledAction."""

    def __init__(self, store: ResourceStore, next_of_cron: NextOfCron) -> None:
        self._store = store
        self._next_of_cron = next_of_cron

    def put_scheduled_action(self, scope: Scope, request: Request) -> Response:
        target_of(self._store, scope, request)
        name = scheduled_action_name(request)
        known = self._store.get(SCHEDULED_ACTION, scope, name) or {}
        action = {
            "ScheduledActionARN": _arn(scope, request),
            "CreationTime": now(),
            **known,
            **request,
        }
        if not known and "Schedule" not in action:
            raise validation_exception("Schedule is needed to put a scheduled action.")
        bounds = action.get("ScalableTargetAction", {})
        if not bounds:
            raise validation_exception("MinCapacity, MaxCapacity or both are needed.")
        if bounds.get("MinCapacity", 1) > bounds.get("MaxCapacity", bounds.get("MinCapacity", 1)):
            raise validation_exception("Maximum capacity cannot be less than minimum capacity")
        if action.get("Timezone", "UTC") not in available_timezones():
            raise validation_exception(f"Timezone {action['Timezone']} is not valid.")
        try:
            next_time(action, time.time(), self._next_of_cron)
        except ValueError:
            text = f"Invalid schedule expression: {action['Schedule']}"
            raise validation_exception(text) from None
        self._store.put(SCHEDULED_ACTION, scope, name, action)
        return {}

    def describe_scheduled_actions(self, scope: Scope, request: Request) -> Response:
        wanted = request.get("ScheduledActionNames")
        found = [
            action
            for action in self._store.list(SCHEDULED_ACTION, scope)
            if concerns(action, request)
            and (not wanted or action["ScheduledActionName"] in wanted)
            and request.get("ResourceId") in (None, action["ResourceId"])
        ]
        return page("ScheduledActions", found, request)

    def delete_scheduled_action(self, scope: Scope, request: Request) -> Response:
        name = scheduled_action_name(request)
        if self._store.get(SCHEDULED_ACTION, scope, name) is None:
            raise AwsError(
                "ObjectNotFoundException",
                f"No scheduled action found, name: {request['ScheduledActionName']}",
            )
        self._store.delete(SCHEDULED_ACTION, scope, name)
        return {}


@dataclass(frozen=True)
class Planned:
    """When an action is due next, as it was when that was worked out; None for never again."""

    action: Action
    at: float | None


class Clock:
    """Starts the actions that are due; those of a time when nothing ran are not made up for."""

    def __init__(self, store: ResourceStore, scaler: Scaler, next_of_cron: NextOfCron) -> None:
        self._store = store
        self._scaler = scaler
        self._next_of_cron = next_of_cron
        self._planned: dict[tuple[Scope, str], Planned] = {}

    def tick(self, moment: float | None = None) -> None:
        """Start what is due at a moment, in seconds since the epoch; now where it is not given."""
        current = time.time() if moment is None else moment
        planned = {}
        for scope in self._store.scopes(SCHEDULED_ACTION):
            for action in self._store.list(SCHEDULED_ACTION, scope):
                key = (scope, scheduled_action_name(action))
                known = self._planned.get(key)
                if known is None or known.action != action:
                    known = self._plan(action, current)
                if known.at is not None and known.at <= current:
                    self._start(scope, action)
                    known = self._plan(action, current)
                planned[key] = known
        self._planned = planned

    def _plan(self, action: Action, after: float) -> Planned:
        return Planned(action, next_time(action, after, self._next_of_cron))

    def _start(self, scope: Scope, action: Action) -> None:
        target = self._store.get(TARGET, scope, target_name(action))
        if target is not None and not target["SuspendedState"].get("ScheduledScalingSuspended"):
            self._scaler.set_bounds(
                scope,
                target_name(action),
                action["ScalableTargetAction"],
                cause=f"scheduled action name {action['ScheduledActionName']} was triggered",
            )


def next_time(action: Action, after: float, next_of_cron: NextOfCron) -> float | None:
    """When an action is due next, in seconds since the epoch; None for never again.

    Raises
    ------
    ValueError
        Its schedule is no ``at``, ``rate`` or ``cron`` expression.
    """
    schedule, zone = action["Schedule"], ZoneInfo(action.get("Timezone", "UTC"))
    start, end = action.get("StartTime"), action.get("EndTime")
    after = after if start is None else max(after, float(start) - 1)
    if at := _AT.fullmatch(schedule):
        moment = datetime.fromisoformat(at[1]).replace(tzinfo=zone).timestamp()
        found = moment if moment > after else None
    elif rate := _RATE.fullmatch(schedule):
        seconds = int(rate[1]) * _SECONDS[rate[2]]
        first = float(action["CreationTime"] + seconds if start is None else start)
        found = first if after < first else first + seconds * (1 + (after - first) // seconds)
    else:
        following = next_of_cron(schedule, datetime.fromtimestamp(after, UTC).astimezone(zone))
        found = None if following is None else following.timestamp()
    return None if found is None or (end is not None and found > float(end)) else found


def _arn(scope: Scope, request: Request) -> str:
    return (
        f"arn:aws:autoscaling:{scope.region}:{scope.account_id}:scheduledAction:{uuid.uuid4()}"
        f":resource/{request['ServiceNamespace']}/{request['ResourceId']}"
        f":scheduledActionName/{request['ScheduledActionName']}"
    )

"""Scaling activities, as DescribeScalingActivities answers them.

https://docs.aws.amazon.com/autoscaling/application/APIReference/API_ScalingActivity.html
"""

import uuid
from collections.abc import Mapping
from typing import Any

from localaws.backend import Scope
from localaws.sagemaker.resources import now
from localaws.sagemaker.store import ResourceStore

KIND = "scaling-activity"
IN_PROGRESS = "InProgress"
# By how many instances; a name with an underscore is not shown to clients.
CHANGE = "_change"

Activity = dict[str, Any]


class Activities:
    """Keeps activities of scalable targets, the newest first."""

    def __init__(self, store: ResourceStore) -> None:
        self._store = store

    def begin(
        self, scope: Scope, target: Mapping[str, Any], change: int, **members: str
    ) -> Activity:
        """Note that the capacity of a target is about to change."""
        activity = {
            "ActivityId": str(uuid.uuid4()),
            "ServiceNamespace": target["ServiceNamespace"],
            "ResourceId": target["ResourceId"],
            "ScalableDimension": target["ScalableDimension"],
            "StartTime": now(),
            "StatusCode": IN_PROGRESS,
            CHANGE: change,
            **members,
        }
        self._save(scope, activity)
        return activity

    def end(self, scope: Scope, activity: Activity, status: str, message: str) -> None:
        """Note how it came out: Successful or Failed."""
        ending = {"EndTime": now(), "StatusCode": status, "StatusMessage": message}
        self._save(scope, activity | ending)

    def fail_unfinished(self, message: str) -> None:
        """End those that an earlier run left."""
        for scope in self._store.scopes(KIND):
            for activity in self._store.list(KIND, scope):
                if activity["StatusCode"] == IN_PROGRESS:
                    self.end(scope, activity, "Failed", message)

    def list(self, scope: Scope) -> list[Activity]:
        """All activities of a scope."""
        return sorted(
            self._store.list(KIND, scope), key=lambda activity: -float(activity["StartTime"])
        )

    def last_end(self, scope: Scope, target: Mapping[str, Any], *, outward: bool | None) -> float:
        """When the last successful one ended, of one direction or of both; 0 without one."""
        ends = [
            activity["EndTime"]
            for activity in self._store.list(KIND, scope)
            if activity["ResourceId"] == target["ResourceId"]
            and activity["StatusCode"] == "Successful"
            and outward in (None, activity[CHANGE] > 0)
        ]
        return float(max(ends, default=0.0))

    def _save(self, scope: Scope, activity: Activity) -> None:
        self._store.put(KIND, scope, activity["ActivityId"], activity)


def shown(activity: Activity) -> Activity:
    """What clients see of an activity."""
    return {name: value for name, value in activity.items() if not name.startswith("_")}

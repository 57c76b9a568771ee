"""CloudTrail as clients see it.

https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_Operations.html
"""

from localaws.backend import Scope
from localaws.cloudtrail.history import EventHistory
from localaws.cloudtrail.trails import Trails
from localaws.sagemaker.authorizations import Authorization
from localaws.sagemaker.dispatch import ServiceApi
from localaws.sagemaker.resources import Request, ResourceFamily, Response

_WITHOUT_RESOURCE = ("DescribeTrails", "ListTrails", "LookupEvents")


class Lookup(ResourceFamily):
    """LookupEvents."""

    def __init__(self, history: EventHistory) -> None:
        self._history = history

    def lookup_events(self, scope: Scope, request: Request) -> Response:
        return self._history.look_up(scope, request)


class CloudTrailApi(ServiceApi):
    """CloudTrail: trails, and the event history."""

    def __init__(self, trails: Trails, history: EventHistory) -> None:
        super().__init__("cloudtrail", [trails, Lookup(history)])

    def authorizations(self, scope: Scope, operation: str, request: Request) -> list[Authorization]:
        """What the caller must be allowed to do for this request."""
        named = [
            *(request.get(member) for member in ("Name", "TrailName", "ResourceId")),
            *(request.get("ResourceIdList") or []),
        ]
        names = [name for name in named if isinstance(name, str)]
        if operation in _WITHOUT_RESOURCE or not names:
            return [Authorization(f"cloudtrail:{operation}", "*")]
        return [
            Authorization(
                f"cloudtrail:{operation}",
                name
                if name.startswith("arn:")
                else f"arn:aws:cloudtrail:{scope.region}:{scope.account_id}:trail/{name}",
            )
            for name in names
        ]

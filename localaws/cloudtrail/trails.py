"""Trails: where records are delivered to.

https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateTrail.html
"""

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from localaws.backend import Backend, Scope, ServiceStore
from localaws.cloudtrail import selectors
from localaws.errors import AwsError
from localaws.sagemaker.resources import Request, ResourceFamily, Response, now, present
from localaws.sagemaker.store import ResourceStore

KIND = "trail"
SERVICE = "cloudtrail.amazonaws.com"
MOST_TRAILS = 5
_NAME = re.compile(r"[A-Za-z0-9](?:[._-]?[A-Za-z0-9])*")
_ABSENT = (
    *("SnsTopicName", "CloudWatchLogsLogGroupArn", "CloudWatchLogsRoleArn", "KmsKeyId"),
    "IsOrganizationTrail",
)
_STATE = ("_Status", "_EventSelectors", "_AdvancedEventSelectors", "_Tags")
_DEFAULTS = {
    "IncludeGlobalServiceEvents": True,
    "IsMultiRegionTrail": False,
    "EnableLogFileValidation": False,
}

Trail = dict[str, Any]


class Trails(ResourceFamily):
    """Trails with their selectors, status and tags. ``lock`` holds deliveries up."""

    def __init__(self, store: ResourceStore, backend: Backend) -> None:
        self._store = store
        self._backend = backend
        self.lock = threading.RLock()
        self.wants_invocations = False
        """Whether any trail asks for data events; read without the lock."""

    def start(self) -> None:
        """Take up what an earlier run left."""
        with self.lock:
            self._changed()

    def create_trail(self, scope: Scope, request: Request) -> Response:
        name = request["Name"]
        if not _NAME.fullmatch(name) or not 3 <= len(name) <= 128:
            raise AwsError(
                "InvalidTrailNameException",
                "Trail names have 3 to 128 letters, digits, periods, underscores and dashes, start"
                f" and end with a letter or digit and have no two others in a row; {name!r} does"
                " not",
            )
        with self.lock:
            if self._store.get(KIND, scope, name) is not None:
                raise AwsError(
                    "TrailAlreadyExistsException",
                    f"Trail {name} already exists for customer: {scope.account_id}",
                )
            if len(self._store.list(KIND, scope)) >= MOST_TRAILS:
                raise AwsError(
                    "MaximumNumberOfTrailsExceededException",
                    f"User: {scope.account_id} already has {MOST_TRAILS} trails in {scope.region}.",
                )
            asked = {key: value for key, value in request.items() if key != "TagsList"}
            trail = {
                **_members(_DEFAULTS | asked),
                "TrailARN": f"arn:aws:cloudtrail:{scope.region}:{scope.account_id}:trail/{name}",
                "HomeRegion": scope.region,
                "_Status": {"IsLogging": False},
                "_EventSelectors": [selectors.EVERY_MANAGEMENT_EVENT],
                "_AdvancedEventSelectors": [],
                "_Tags": request.get("TagsList", []),
            }
            self._check_bucket(scope, trail)
            self._save(scope, trail)
        return _shown(trail)

    def update_trail(self, scope: Scope, request: Request) -> Response:
        with self.lock:
            home, trail = self._find(scope, request["Name"])
            asked = {key: value for key, value in request.items() if key != "Name"}
            trail |= _members(asked)
            self._check_bucket(home, trail)
            self._save(home, trail)
        return _shown(trail)

    def delete_trail(self, scope: Scope, request: Request) -> Response:
        with self.lock:
            home, trail = self._find(scope, request["Name"])
            self._store.delete(KIND, home, trail["Name"])
            self._changed()
        return {}

    def describe_trails(self, scope: Scope, request: Request) -> Response:
        names = request.get("trailNameList") or []
        shadows = request.get("includeShadowTrails", True)
        return {
            "trailList": [
                _shown(trail) | {"HasCustomEventSelectors": _has_custom_selectors(trail)}
                for home, trail in self._visible(scope)
                if (shadows or home == scope)
                and (not names or trail["Name"] in names or trail["TrailARN"] in names)
            ]
        }

    def get_trail(self, scope: Scope, request: Request) -> Response:
        _, trail = self._find(scope, request["Name"])
        return {"Trail": _shown(trail) | {"HasCustomEventSelectors": _has_custom_selectors(trail)}}

    def list_trails(self, scope: Scope, request: Request) -> Response:
        members = ("TrailARN", "Name", "HomeRegion")
        return {"Trails": [{m: trail[m] for m in members} for _, trail in self._visible(scope)]}

    def get_trail_status(self, scope: Scope, request: Request) -> Response:
        _, trail = self._find(scope, request["Name"])
        status = dict(trail["_Status"])
        for told, member in (("Started", "StartLoggingTime"), ("Stopped", "StopLoggingTime")):
            status[f"TimeLogging{told}"] = _clock(status.get(member))
        delivered = status.get("LatestDeliveryTime")
        status["LatestDeliveryAttemptTime"] = _clock(delivered)
        status["LatestDeliveryAttemptSucceeded"] = _clock(delivered)
        return status

    def start_logging(self, scope: Scope, request: Request) -> Response:
        return self._log(scope, request["Name"], IsLogging=True, StartLoggingTime=now())

    def stop_logging(self, scope: Scope, request: Request) -> Response:
        return self._log(scope, request["Name"], IsLogging=False, StopLoggingTime=now())

    def put_event_selectors(self, scope: Scope, request: Request) -> Response:
        classic = request.get("EventSelectors") or []
        advanced = request.get("AdvancedEventSelectors") or []
        if bool(classic) == bool(advanced):
            raise AwsError(
                "InvalidEventSelectorsException",
                "Give either EventSelectors or AdvancedEventSelectors.",
            )
        selectors.check(classic, advanced)
        with self.lock:
            home, trail = self._find(scope, request["TrailName"])
            trail |= {"_EventSelectors": classic, "_AdvancedEventSelectors": advanced}
            self._save(home, trail)
        return _selectors_of(trail)

    def get_event_selectors(self, scope: Scope, request: Request) -> Response:
        _, trail = self._find(scope, request["TrailName"])
        return _selectors_of(trail)

    def add_tags(self, scope: Scope, request: Request) -> Response:
        new = {tag["Key"]: tag for tag in request["TagsList"]}
        self._change_tags(scope, request["ResourceId"], lambda old: list((old | new).values()))
        return {}

    def remove_tags(self, scope: Scope, request: Request) -> Response:
        gone = {tag["Key"] for tag in request["TagsList"]}
        self._change_tags(
            scope,
            request["ResourceId"],
            lambda old: [tag for key, tag in old.items() if key not in gone],
        )
        return {}

    def list_tags(self, scope: Scope, request: Request) -> Response:
        listed = []
        for arn in request["ResourceIdList"]:
            _, trail = self._find(scope, arn)
            listed.append({"ResourceId": arn, "TagsList": trail["_Tags"]})
        return {"ResourceTagList": listed}

    def logging(self) -> list[tuple[Scope, Trail]]:
        """The trails that log, with where they are at home."""
        return [
            (home, trail)
            for home in self._store.scopes(KIND)
            for trail in self._store.list(KIND, home)
            if trail["_Status"]["IsLogging"]
        ]

    def exists(self, home: Scope, name: str) -> bool:
        """Whether a trail is still there."""
        return self._store.get(KIND, home, name) is not None

    def delivered(self, home: Scope, name: str, error: AwsError | None) -> None:
        """Note that records were delivered, or why they were not."""
        told: dict[str, Any] = {"LatestDeliveryError": error.code if error else ""}
        told |= {} if error else {"LatestDeliveryTime": now()}
        with self.lock:
            if (trail := self._store.get(KIND, home, name)) is not None:
                trail["_Status"] |= told
                self._save(home, trail)

    def bucket_of(self, home: Scope, trail: Trail) -> ServiceStore:
        """The trail's bucket, as CloudTrail may use it for this trail."""
        return self._backend.bucket_for_service(
            home, SERVICE, trail["S3BucketName"], trail["TrailARN"]
        )

    def _log(self, scope: Scope, name: str, **status: Any) -> Response:
        with self.lock:
            home, trail = self._find(scope, name)
            trail["_Status"] |= status
            self._save(home, trail)
        return {}

    def _change_tags(self, scope: Scope, arn: str, change: Any) -> None:
        with self.lock:
            home, trail = self._find(scope, arn)
            trail["_Tags"] = change({tag["Key"]: tag for tag in trail["_Tags"]})
            self._save(home, trail)

    def _save(self, home: Scope, trail: Trail) -> None:
        self._store.put(KIND, home, trail["Name"], trail)
        self._changed()

    def _changed(self) -> None:
        self.wants_invocations = any(
            selectors.wants_invocations(trail) for _, trail in self.logging()
        )

    def _visible(self, scope: Scope) -> Iterator[tuple[Scope, Trail]]:
        """The trails of a region, and those of others that are for all regions."""
        for home in self._store.scopes(KIND):
            if home.account_id == scope.account_id:
                for trail in self._store.list(KIND, home):
                    if home == scope or trail["IsMultiRegionTrail"]:
                        yield home, trail

    def _find(self, scope: Scope, name: str) -> tuple[Scope, Trail]:
        for home, trail in self._visible(scope):
            if name in (trail["Name"], trail["TrailARN"]):
                return home, trail
        raise AwsError(
            "TrailNotFoundException", f"Unknown trail: {name} for the user: {scope.account_id}"
        )

    def _check_bucket(self, scope: Scope, trail: Trail) -> None:
        """Refuse a bucket that is not there, or does not let CloudTrail in."""
        try:
            self.bucket_of(scope, trail).check(folder_of(trail, scope.account_id))
        except AwsError as error:
            bucket = trail["S3BucketName"]
            if error.code == "NoSuchBucket":
                raise AwsError(
                    "S3BucketDoesNotExistException", f"S3 bucket {bucket} does not exist!"
                ) from None
            raise AwsError(
                "InsufficientS3BucketPolicyException",
                f"Incorrect S3 bucket policy is detected for bucket: {bucket}",
            ) from None


def folder_of(trail: Trail, account_id: str) -> str:
    """The beginning of the keys of a trail's records."""
    prefix = trail.get("S3KeyPrefix")
    return f"{prefix}/AWSLogs/{account_id}/" if prefix else f"AWSLogs/{account_id}/"


def _members(asked: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a request.

    Raises
    ------
    AwsError
        For what localaws has not.
    """
    for member in _ABSENT:
        if asked.get(member):
            raise AwsError(
                "UnsupportedOperationException", f"localaws has trails without {member} alone."
            )
    kept = present({key: value for key, value in asked.items() if key not in _ABSENT})
    if "EnableLogFileValidation" in kept:
        kept["LogFileValidationEnabled"] = kept.pop("EnableLogFileValidation")
    return kept


def _shown(trail: Trail) -> dict[str, Any]:
    shown = {key: value for key, value in trail.items() if key not in _STATE}
    return {**shown, "IsOrganizationTrail": False, "HasInsightSelectors": False}


def _has_custom_selectors(trail: Trail) -> bool:
    every = [selectors.EVERY_MANAGEMENT_EVENT]
    return bool(trail["_AdvancedEventSelectors"]) or trail["_EventSelectors"] != every


def _selectors_of(trail: Trail) -> Response:
    answer = {"TrailARN": trail["TrailARN"]}
    member = "AdvancedEventSelectors" if trail["_AdvancedEventSelectors"] else "EventSelectors"
    return {**answer, member: trail[f"_{member}"]}


def _clock(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

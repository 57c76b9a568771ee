"""The event history: the management events of the last 90 days, to be looked up.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events.html
"""

import json
import logging
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from localaws.backend import Scope
from localaws.cloudtrail.records import Record, resources_of, user_name
from localaws.errors import AwsError

KEPT_SECONDS = 90 * 86_400
KEPT_EVENTS = 20_000
MOST_EVENTS = 50
"""Of one page of LookupEvents."""
_SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY, account TEXT, region TEXT, time REAL, record TEXT
);
"""

Event = dict[str, Any]

logger = logging.getLogger(__name__)


class EventHistory:
    """Records in one SQLite file; safe to use from any thread."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._connection = _open(path)
        except sqlite3.DatabaseError as error:  # no history is worth a start that fails
            kept = path.with_suffix(".damaged")
            path.replace(kept)
            logger.error("%s cannot be read (%s); it is kept as %s", path, error, kept.name)
            self._connection = _open(path)

    def add(self, records: Iterable[tuple[float, Record]]) -> None:
        """Keep records with their times, and drop what is too old or too much."""
        rows = [
            (record["recipientAccountId"], record["awsRegion"], at, json.dumps(record, default=str))
            for at, record in records
        ]
        if not rows:
            return
        with self._lock, self._connection:
            self._connection.execute("BEGIN")
            self._connection.executemany("INSERT INTO events VALUES (NULL, ?, ?, ?, ?)", rows)
            self._connection.execute(
                "DELETE FROM events WHERE time < ?"
                " OR number <= (SELECT max(number) FROM events) - ?",
                (time.time() - KEPT_SECONDS, KEPT_EVENTS),
            )

    def look_up(self, scope: Scope, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of LookupEvents: newest first.

        Raises
        ------
        AwsError
        """
        attributes = request.get("LookupAttributes", ())
        wanted = {each["AttributeKey"]: each["AttributeValue"] for each in attributes}
        most, last = request.get("MaxResults", MOST_EVENTS), 0
        found: list[Event] = []
        with self._lock:
            for number, event in self._events(scope, request):
                if not all(_has(event, key, value) for key, value in wanted.items()):
                    continue
                if len(found) == most:
                    return {"Events": found, "NextToken": str(last)}
                found.append(event)
                last = number
        return {"Events": found}

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._connection.close()

    def _events(self, scope: Scope, request: Mapping[str, Any]) -> Iterator[tuple[int, Event]]:
        token = request.get("NextToken", str(2**62))
        if not token.isdecimal():
            raise AwsError("InvalidNextTokenException", "Invalid pagination token.")
        rows = self._connection.execute(
            "SELECT number, time, record FROM events WHERE account = ? AND region = ?"
            " AND time BETWEEN ? AND ? AND number < ? ORDER BY number DESC",
            (
                scope.account_id,
                scope.region,
                request.get("StartTime", 0),
                request.get("EndTime", time.time()),
                int(token),
            ),
        )
        for number, at, text in rows:
            yield number, _event(at, text)


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    try:
        connection.executescript(_SCHEMA)
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection


def _event(at: float, text: str) -> Event:
    record = json.loads(text)
    return {
        "EventId": record["eventID"],
        "EventName": record["eventName"],
        "EventSource": record["eventSource"],
        "EventTime": at,
        "Username": user_name(record),
        "AccessKeyId": record["userIdentity"].get("accessKeyId", ""),
        "ReadOnly": str(record["readOnly"]).lower(),
        "Resources": list(resources_of(record)),
        "CloudTrailEvent": text,
    }


def _has(event: Event, key: str, value: str) -> bool:
    if key in ("ResourceType", "ResourceName"):
        return any(resource[key] == value for resource in event["Resources"])
    return bool(event[key] == value)

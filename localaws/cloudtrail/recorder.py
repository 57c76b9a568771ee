"""From calls to the event history and to the buckets of trails, every other second.

CloudTrail delivers within some five minutes; here nobody wants to wait for that.
"""

import gzip
import json
import logging
import secrets
import string
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime

from localaws.backend import Scope
from localaws.cloudtrail.history import EventHistory
from localaws.cloudtrail.records import Asked, Record, record_of
from localaws.cloudtrail.selectors import selects
from localaws.cloudtrail.trails import Trail, Trails, folder_of
from localaws.errors import AwsError

DELIVERY_SECONDS = 2.0
MOST_WAITING = 100_000
"""Calls between two deliveries; of more, the first are lost."""

logger = logging.getLogger(__name__)


class Recorder:
    """Takes calls on the event loop; ``deliver`` is called on a thread, again and again."""

    def __init__(self, trails: Trails, history: EventHistory) -> None:
        self._trails = trails
        self._history = history
        self._waiting: deque[Asked] = deque(maxlen=MOST_WAITING)

    @property
    def records_invocations(self) -> bool:
        """Whether any trail asks for data events; they are not noted otherwise."""
        return self._trails.wants_invocations

    def note(self, asked: Asked) -> None:
        """Remember a call until the next delivery."""
        self._waiting.append(asked)

    def deliver(self) -> None:
        """Record what was noted since the last time."""
        noted = [self._waiting.popleft() for _ in range(len(self._waiting))]
        records = [(asked.at, record) for asked in noted if (record := record_of(asked))]
        self._history.add(entry for entry in records if entry[1]["managementEvent"])
        for home, trail in self._trails.logging():
            chosen = [record for _, record in records if selects(trail, record)]
            if chosen:
                self._deliver(home, trail, chosen)

    def close(self) -> None:
        """Release the history's file."""
        self._history.close()

    def _deliver(self, home: Scope, trail: Trail, records: Sequence[Record]) -> None:
        body = gzip.compress(json.dumps({"Records": records}, default=str).encode(), mtime=0)
        with self._trails.lock:
            if not self._trails.exists(home, trail["Name"]):
                return  # deleted meanwhile, and its bucket may be about to go
            error = None
            try:
                key = _key(trail, records[0])
                self._trails.bucket_of(home, trail).put_object(key, body)
            except AwsError as refused:
                error = refused
                logger.warning("trail %s was not delivered: %s", trail["Name"], refused)
            self._trails.delivered(home, trail["Name"], error)


def _key(trail: Trail, record: Record) -> str:
    """The name of a log file.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html
    """
    account, region = record["recipientAccountId"], record["awsRegion"]
    moment = datetime.now(UTC)
    unique = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(16))
    name = f"{account}_CloudTrail_{region}_{moment:%Y%m%dT%H%MZ}_{unique}.json.gz"
    return f"{folder_of(trail, account)}CloudTrail/{region}/{moment:%Y/%m/%d}/{name}"

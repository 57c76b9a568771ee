"""Metric values and log events on disk, each written once.

They only ever grow, so that writing all of them anew every second, as is done with other state,
would soon be all that the process does. Here each is appended to a file when it comes in, and the
file is read back at the next start.
"""

import json
import os
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ministack.core.responses import (
    AccountRegionScopedDict,
    get_account_id,
    get_region,
    request_scope,
)
from ministack.services import cloudwatch, cloudwatch_logs

from localaws.files import write_atomically
from localaws.ministack import patches
from localaws.state import StateError

KEPT_SECONDS = 15 * 24 * 3600
"""How long CloudWatch keeps values of one-minute periods:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html"""


class Journal:
    """Appends what arrives to one file; make one in a process, before the services answer."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pending: deque[str] = deque()
        self._writing = threading.Lock()
        self._store_datum = cloudwatch._store_datum
        self._put_log_events = cloudwatch_logs._put_log_events

    def replay(self) -> None:
        """Bring back what an earlier run noted, then note what comes in.

        Log groups must be there again; events of groups deleted meanwhile are dropped. Raises
        ``StateError`` for a file that cannot be read; it is left as it is.
        """
        oldest = time.time() - KEPT_SECONDS
        kept = [entry for entry in self._entries() if entry["at"] >= oldest]
        for entry in kept:
            with request_scope(entry["account"], entry["region"]):
                self._bring_back(entry)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        text = "".join(json.dumps(entry) + "\n" for entry in kept)
        write_atomically(self._path, text.encode(), mode=0o600)
        patches.replace(cloudwatch, "_store_datum", lambda _: self._note_datum)
        patches.replace(cloudwatch_logs, "_put_log_events", lambda _: self._note_log_events)

    def save(self) -> None:
        """Append what came in since the last time; safe to call from any thread."""
        with self._writing:
            lines = [self._pending.popleft() for _ in range(len(self._pending))]
            if not lines:
                return
            with self._path.open("a") as file:
                file.writelines(lines)
                file.flush()
                os.fsync(file.fileno())

    def _note_datum(self, *datum: Any) -> None:
        self._store_datum(*datum)
        self._note({"at": datum[3], "metric": datum})

    def _note_log_events(self, data: Mapping[str, Any]) -> Any:
        answer = self._put_log_events(data)
        if answer[0] == 200:
            self._note({"at": time.time(), "log": data})
        return answer

    def _note(self, entry: Mapping[str, Any]) -> None:
        scoped = {"account": get_account_id(), "region": get_region(), **entry}
        self._pending.append(json.dumps(scoped) + "\n")

    def _bring_back(self, entry: Mapping[str, Any]) -> None:
        if "metric" in entry:
            self._store_datum(*entry["metric"])
            return
        data = entry["log"]
        group = cloudwatch_logs._log_groups.get(data["logGroupName"], {"streams": {}})
        stream = group["streams"].get(data["logStreamName"])
        if stream is not None and stream["creationTime"] <= entry["at"] * 1000:
            self._put_log_events(data)

    def _entries(self) -> Iterator[dict[str, Any]]:
        if not self._path.exists():
            return
        whole, _, _ = self._path.read_text().rpartition("\n")  # a kill may cut the last line
        try:
            for line in whole.splitlines():
                yield json.loads(line)
        except ValueError as error:
            raise StateError(f"{self._path} is damaged: {error}; it was left as it is") from error


class CloudWatchState:
    """CloudWatch but for the values of metrics."""

    replaced: frozenset[str] = frozenset()

    _PARTS = (
        "alarms",
        "composite_alarms",
        "composite_triggers",
        "alarm_history",
        "dashboards",
        "resource_tags",
    )

    def get_state(self) -> Mapping[str, Any]:
        """The rest."""
        return {part: getattr(cloudwatch, f"_{part}") for part in self._PARTS}

    def load_persisted_state(self, state: Mapping[str, Any]) -> None:
        """Put it back."""
        cloudwatch.load_persisted_state(state)


class CloudWatchLogsState:
    """CloudWatch Logs but for the events in the streams."""

    replaced: frozenset[str] = frozenset()

    _PARTS = (
        "destinations",
        "resource_policies",
        "log_group_policies",
        "metric_filters",
        "delivery_sources",
        "delivery_destinations",
        "deliveries",
    )

    def get_state(self) -> Mapping[str, Any]:
        """The rest."""
        groups = AccountRegionScopedDict()
        for key, group in list(cloudwatch_logs._log_groups._data.items()):
            streams = list(group["streams"].items())
            empty = {name: {**stream, "events": []} for name, stream in streams}
            groups._data[key] = {**group, "streams": empty}
        rest = {part: getattr(cloudwatch_logs, f"_{part}") for part in self._PARTS}
        return {"log_groups": groups, **rest}

    def load_persisted_state(self, state: Mapping[str, Any]) -> None:
        """Put it back."""
        cloudwatch_logs.load_persisted_state(state)

"""The events of CloudWatch Logs: the newest of each stream, in memory and on disk.

MiniStack keeps every event twice for ever. Here a stream keeps its newest ones, all streams
together have a limit, and what is written is what came in.
"""

import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region
from ministack.services import cloudwatch, cloudwatch_logs

from localaws.ministack import patches
from localaws.row_store import Key, RowStore

MOST_EVENTS_OF_STREAM = 10_000
MOST_EVENTS = 100_000
MOST_CHARACTERS = 64_000_000
"""That the events of all streams take together; the longest streams lose their oldest first."""
MOST_RECORDS = 20_000
"""That GetLogRecord finds, of the rows that queries answered."""
Stream = dict[str, Any]
Name = tuple[str, str, str, str]
"""Account, region, group and stream."""


@dataclass
class Chunk:
    """Events of one stream that came in between two savings; ``name`` tells their order."""

    name: str
    count: int
    size: int


@dataclass
class KeptStream:
    """A stream whose events are on disk; ``stream`` is MiniStack's record of it."""

    stream: Stream
    chunks: deque[Chunk] = field(default_factory=deque)
    new: list[dict[str, Any]] = field(default_factory=list)
    next_number: int = 0

    @property
    def size(self) -> int:
        """Characters that its chunks have together."""
        return sum(chunk.size for chunk in self.chunks)

    def drop_oldest(self) -> str:
        """Forget the oldest chunk; its name."""
        chunk = self.chunks.popleft()
        del self.stream["events"][: chunk.count]
        return chunk.name

    def trim(self, most: int) -> list[str]:
        """Forget the oldest events; the names of the chunks that hold none of the others."""
        events = self.stream["events"]
        if len(events) > most + most // 10:
            del events[: len(events) - most]
        gone = []
        while self.chunks and sum(c.count for c in self.chunks) - self.chunks[0].count >= most:
            gone.append(self.chunks.popleft().name)
        return gone


class LogStore:
    """All events; made after the groups and streams were loaded, before the services answer."""

    def __init__(self, path: Path) -> None:
        self._rows = RowStore(path)
        self._lock = threading.Lock()
        self._streams: dict[Name, KeptStream] = {}
        self._gone: set[Key] = set()
        self._load()
        patches.replace(cloudwatch_logs, "_put_log_events", self._keeping)

    def save(self) -> None:
        """Write what came in. Raises ``sqlite3.Error``, then to be repeated."""
        changed: dict[Key, str] = {}
        taken: list[tuple[KeptStream, Chunk]] = []
        with self._lock:
            self._forget_deleted()
            for name, kept in self._streams.items():
                part = json.dumps(name)
                if kept.new:
                    text = json.dumps(kept.new)
                    chunk = Chunk(f"{kept.next_number:012}", len(kept.new), len(text))
                    changed[part, chunk.name] = text
                    taken.append((kept, chunk))
                self._gone |= {(part, gone) for gone in kept.trim(self._most())}
            gone = set(self._gone)
            if not changed and not gone:
                return
            self._rows.write(changed, gone)
            self._gone -= gone
            for kept, chunk in taken:
                kept.chunks.append(chunk)
                kept.new = []
                kept.next_number += 1
            self._make_room()

    def close(self) -> None:
        """Release the file."""
        self._rows.close()

    def _keeping(self, put: Callable[[Mapping[str, Any]], Any]) -> Callable[..., Any]:
        def put_log_events(data: Mapping[str, Any]) -> Any:
            answer = put(data)
            if answer[0] == 200:
                self._note(data["logGroupName"], data["logStreamName"], data["logEvents"])
            return answer

        return put_log_events

    def _note(self, group: str, stream: str, sent: list[Any]) -> None:
        record = cloudwatch_logs._log_groups[group]["streams"][stream]
        name = (get_account_id(), get_region(), group, stream)
        # The newest of the stream, or of those that came late somewhere before: found by their ids.
        records = cloudwatch_logs._log_records
        events = [event for event in record["events"][-len(sent) :] if event["eventId"] in records]
        if len(events) < len(sent):
            events = [event for event in record["events"] if event["eventId"] in records]
        for event in events:
            records.pop(event["eventId"], None)
        with self._lock:
            kept = self._streams.get(name)
            if kept is None or kept.stream is not record:
                kept = self._made_again(name, record)
            kept.new += events
            if len(record["events"]) > 1.2 * MOST_EVENTS_OF_STREAM:
                del record["events"][:-MOST_EVENTS_OF_STREAM]

    def _made_again(self, name: Name, record: Stream) -> KeptStream:
        if name in self._streams:
            self._forget(name)
        kept = self._streams[name] = KeptStream(record)
        return kept

    def _make_room(self) -> None:
        """Forget the oldest of the longest streams; they are deleted at the next saving."""
        total = sum(kept.size for kept in self._streams.values())
        while total > MOST_CHARACTERS:
            name, longest = max(self._streams.items(), key=lambda item: item[1].size)
            total -= longest.chunks[0].size
            self._gone.add((json.dumps(name), longest.drop_oldest()))

    def _forget_deleted(self) -> None:
        for name, kept in list(self._streams.items()):
            group = cloudwatch_logs._log_groups.get_scoped(*name[:3]) or {"streams": {}}
            if group["streams"].get(name[3]) is not kept.stream:
                self._forget(name)

    def _forget(self, name: Name) -> None:
        part = json.dumps(name)
        self._gone |= {(part, chunk.name) for chunk in self._streams.pop(name).chunks}

    def _most(self) -> int:
        """How many events each stream may keep, given how many there are of them."""
        return max(100, min(MOST_EVENTS_OF_STREAM, MOST_EVENTS // max(len(self._streams), 1)))

    def _load(self) -> None:
        try:
            for (part, chunk), text in sorted(self._rows.load().items()):
                account_id, region, group_name, stream_name = json.loads(part)
                name = (account_id, region, group_name, stream_name)
                group = cloudwatch_logs._log_groups.get_scoped(*name[:3]) or {"streams": {}}
                record = group["streams"].get(stream_name)
                if record is None:
                    self._gone.add((part, chunk))
                    continue
                events = json.loads(text)
                kept = self._streams.setdefault(name, KeptStream(record))
                kept.chunks.append(Chunk(chunk, len(events), len(text)))
                kept.next_number = int(chunk) + 1
                record["events"] += events
        except (ValueError, TypeError, KeyError) as error:
            self._streams = {}
            self._rows.damaged(repr(error))
        for kept in self._streams.values():
            kept.stream["events"].sort(key=lambda event: event["timestamp"])


def forget_old_records() -> None:
    """Keep few of the rows that queries look at, so that they do not add up."""
    records = cloudwatch_logs._log_records._data
    for key in list(records)[: max(0, len(records) - MOST_RECORDS)]:
        records.pop(key, None)


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

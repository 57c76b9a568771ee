"""CloudWatch's metrics in the place of MiniStack's lists of points, and on disk.

MiniStack's own functions still read them, as points; the ones that are asked often, GetMetricData
and the alarms, read the sums.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch

from localaws.ministack import patches
from localaws.ministack.cloudwatch.metric_values import Slot, Values
from localaws.row_store import Key, RowStore

MOST_CHARACTERS = 32_000_000
"""That all metrics keep together; the oldest are the first to go, whatever the clock says."""
CHARACTERS_OF_METRIC = 500
"""What a metric takes, however little it holds."""
EVERYTHING = (0.0, 1e12)
Name = tuple[str, str, str, str, Any]
"""Account, region, namespace, name and dimensions, as MiniStack's keys hold them."""

_window: ContextVar[tuple[float, float]] = ContextVar("window", default=EVERYTHING)
_bare: ContextVar[bool] = ContextVar("bare", default=False)
"""Whether metrics with dimensions are passed over."""


class Points(Values):
    """The values of a metric, which MiniStack takes for its list of points."""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        if _bare.get() and self.dimensions:
            return
        begin, end = _window.get()
        for start, unit, period in self.with_units(begin, end):
            base = {"Timestamp": float(start), "Unit": unit, "Dimensions": self.dimensions}
            values = period.values
            if values is not None:
                for value, count in list(values.items()):
                    yield {**base, "Value": value, "Count": count}
            elif period.count:
                average = period.total / period.count
                yield {**base, "Value": average, "_stat": _statistic_set(period)}

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"Dimensions": self.dimensions}


class MetricStore:
    """All metrics; made and loaded before the services answer."""

    def __init__(self, path: Path) -> None:
        self._rows = RowStore(path)
        self._lock = threading.Lock()
        self._metrics: dict[Name, Points] = {}
        self._load()
        patches.replace(cloudwatch, "_store_datum", lambda _: self.put)
        patches.replace(cloudwatch, "_evict_old_metrics", lambda _: lambda: None)
        patches.replace(cloudwatch, "_get_metric_statistics", _within_request)

    def put(
        self,
        namespace: str,
        name: str,
        dims: Mapping[str, str],
        ts: float,
        unit: str,
        value: Any,
        values: list[Any] | None,
        counts: list[Any] | None,
        stat_values: Mapping[str, Any] | None,
    ) -> None:
        """Add one datum of PutMetricData."""
        dimensions = cloudwatch._dims_key(dims)
        key = (get_account_id(), get_region(), namespace, name, dimensions)
        with self._lock:
            points = self._metrics.get(key) or self._new(key, dims)
            period = points.at(ts, unit or "None")
            if values is not None:
                for each, count in zip(values, counts or [1.0] * len(values), strict=False):
                    period.add(float(each), float(count))
            elif stat_values is not None:
                names = ("SampleCount", "Sum", "Minimum", "Maximum")
                period.add_set(*(float(stat_values.get(each, 0)) for each in names))
            else:
                period.add(float(value or 0))

    def save(self) -> None:
        """Write what changed since the last time. Raises ``sqlite3.Error``, then to be repeated."""
        taken: list[tuple[Points, set[Slot]]] = []
        changed: dict[Key, str] = {}
        deleted: list[Key] = []
        with self._lock:
            self._make_room()
            for key, points in list(self._metrics.items()):
                if not points.changed:
                    continue
                points.compact()
                slots, points.changed = points.changed, set()
                taken.append((points, slots))
                part = json.dumps([*key[:4], points.dimensions])
                for slot in slots:
                    text = points.row(slot)
                    row = (part, json.dumps(slot))
                    if text is None:
                        deleted.append(row)
                    else:
                        changed[row] = text
        if not taken:
            return
        try:
            self._rows.write(changed, deleted)
        except BaseException:
            with self._lock:
                for points, slots in taken:
                    points.changed |= slots
            raise
        with self._lock:
            for key in [key for key, points in self._metrics.items() if not len(points)]:
                self._forget(key)

    def close(self) -> None:
        """Release the file."""
        self._rows.close()

    def _new(self, key: Name, dimensions: Mapping[str, str]) -> Points:
        points = self._metrics[key] = Points(dimensions)
        cloudwatch._metrics.set_scoped(*key[:2], key[2:], points)
        return points

    def _forget(self, key: Name) -> None:
        del self._metrics[key]
        cloudwatch._metrics.pop_scoped(*key[:2], key[2:], None)

    def _make_room(self) -> None:
        total = sum(points.size + CHARACTERS_OF_METRIC for points in self._metrics.values())
        if total <= MOST_CHARACTERS:
            return
        rows = [
            (slot, size, points)
            for points in self._metrics.values()
            for slot, size in points.slots()
        ]
        rows.sort(key=lambda row: row[0][1])
        for slot, size, points in rows:
            if total <= 0.9 * MOST_CHARACTERS:
                break
            points.drop(slot)
            total -= size if len(points) else size + CHARACTERS_OF_METRIC

    def _load(self) -> None:
        try:
            for (part, name), text in self._rows.load().items():
                *scoped, dimensions = json.loads(part)
                key = (*scoped, cloudwatch._dims_key(dimensions))
                points = self._metrics.get(key) or self._new(key, dimensions)
                points.put_row(tuple(json.loads(name)), text)
        except (ValueError, TypeError) as error:
            self._rows.damaged(repr(error))


def values_of(namespace: str, name: str, dimensions: Any) -> Values | None:
    """The values of exactly this metric, in the account and region of the request."""
    key = cloudwatch._dims_key(cloudwatch._dims_from_list(dimensions or []))
    found: Values | None = cloudwatch._metrics.get((namespace, name, key))
    return found


def _statistic_set(period: Any) -> dict[str, float]:
    return {
        "SampleCount": period.count,
        "Sum": period.total,
        "Minimum": period.least,
        "Maximum": period.most,
    }


def _within_request(statistics: Callable[..., Any]) -> Callable[..., Any]:
    """GetMetricStatistics looks at the time that is asked for, and not at all there is.

    Without dimensions it is about the metric that has none, not about all of its name.
    """

    def get_metric_statistics(
        params: Any, cbor_data: Any, is_cbor: bool, is_json: bool = False
    ) -> Any:
        asked = cbor_data if is_cbor or is_json else None
        times = [
            cloudwatch._parse_ts(asked.get(each) if asked else cloudwatch._p(params, each))
            for each in ("StartTime", "EndTime")
        ]
        window = _window.set((times[0] or EVERYTHING[0], times[1] or EVERYTHING[1]))
        named = asked.get("Dimensions") if asked else "Dimensions.member.1.Name" in params
        bare = _bare.set(not named)
        try:
            return statistics(params, cbor_data, is_cbor, is_json)
        finally:
            _bare.reset(bare)
            _window.reset(window)

    return get_metric_statistics

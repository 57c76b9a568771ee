"""The values of metrics, summed up as they come: by second, and by minute once they are older.

Of each period there are the four sums and how often each value occurred, which is what percentiles
need. A period of many different values keeps them to within a percent or so. Thus neither memory
nor disk grows with the number of values, and neither an alarm nor a start has to go through them.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

SECOND, MINUTE = 1, 60
FINE_SECONDS = 15 * MINUTE
"""How long seconds are kept apart, as counted from the newest value of the metric."""
MOST_VALUES = 200
"""That one period tells from each other."""
FINEST_STEP = 0.01


@dataclass(slots=True)
class Period:
    """What was put into one period of a metric in one unit.

    ``values`` counts each value; None when there can be no percentiles, because a value is negative
    or a statistic set came without its values
    (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html).
    ``step`` is the ratio to which they are rounded, less 1; 0 for values as they are.
    """

    count: float = 0.0
    total: float = 0.0
    least: float = math.inf
    most: float = -math.inf
    step: float = 0.0
    values: dict[float, float] | None = field(default_factory=dict)

    def add(self, value: float, count: float = 1.0) -> None:
        """Add a value that occurred ``count`` times."""
        self._sum(count, value * count, value, value)
        if value < 0:
            self.values = None
        if self.values is not None:
            value = self._rounded(value)
            self.values[value] = self.values.get(value, 0.0) + count
            self._coarsen()

    def add_set(self, count: float, total: float, least: float, most: float) -> None:
        """Add a statistic set; when all its values are the same, they are known."""
        if count and least == most and total == least * count:
            self.add(least, count)
        else:
            self._sum(count, total, least, most)
            self.values = None

    def merge(self, other: "Period") -> None:
        """Add all of another period."""
        self._sum(other.count, other.total, other.least, other.most)
        if self.values is None or other.values is None:
            self.values = None
            return
        self.step = max(self.step, other.step)
        for value, count in other.values.items():
            value = self._rounded(value)
            self.values[value] = self.values.get(value, 0.0) + count
        self._coarsen()

    def statistic(self, name: str) -> float | None:
        """Sum, Average, p99 and so on; None when there is none."""
        if not self.count:
            return None
        match name:
            case "SampleCount":
                return self.count
            case "Sum":
                return self.total
            case "Minimum":
                return self.least
            case "Maximum":
                return self.most
        if name[:1] in ("p", "P") and name[1:].replace(".", "", 1).isdigit():
            return self._percentile(float(name[1:]))
        return self.total / self.count

    def as_row(self) -> list[Any]:
        """What JSON holds of it."""
        values = None if self.values is None else list(self.values.items())
        return [self.count, self.total, self.least, self.most, self.step, values]

    @classmethod
    def of_row(cls, row: list[Any]) -> "Period":
        """The period that ``as_row`` made it of."""
        count, total, least, most, step, values = row
        return cls(count, total, least, most, step, None if values is None else dict(values))

    def _sum(self, count: float, total: float, least: float, most: float) -> None:
        self.count += count
        self.total += total
        self.least = min(self.least, least)
        self.most = max(self.most, most)

    def _rounded(self, value: float) -> float:
        if not self.step or value <= 0:
            return value
        return math.exp(round(math.log(value) / self.step) * self.step)

    def _coarsen(self) -> None:
        while self.values is not None and len(self.values) > MOST_VALUES:
            self.step = 2 * self.step or FINEST_STEP
            finer, self.values = self.values, {}
            for value, count in finer.items():
                value = self._rounded(value)
                self.values[value] = self.values.get(value, 0.0) + count

    def _percentile(self, percent: float) -> float | None:
        """Between the two nearest ranks, as if each value stood there as often as it occurred."""
        if not self.values:
            return None
        ordered = sorted(self.values.items())
        rank = percent / 100 * max(self.count - 1, 0.0)
        low = _at_rank(ordered, int(rank))
        share = rank - int(rank)
        found = low + share * (_at_rank(ordered, int(rank) + 1) - low) if share else low
        return min(max(found, self.least), self.most)


def _at_rank(ordered: list[tuple[float, float]], rank: int) -> float:
    seen = 0.0
    for value, count in ordered:
        seen += count
        if rank < seen:
            return value
    return ordered[-1][0]


Slot = tuple[int, int, str]
"""A period's length, its begin in seconds since the epoch, and the unit of its values."""


class Values:
    """All values of one metric: seconds of late, minutes before."""

    def __init__(self, dimensions: Mapping[str, str]) -> None:
        self.dimensions = dict(dimensions)
        self.changed: set[Slot] = set()
        """What is to be written anew, or deleted if it is no longer there."""
        self._periods: dict[int, dict[int, dict[str, Period]]] = {SECOND: {}, MINUTE: {}}
        self._whole_minutes: dict[int, Period] = {}
        self._newest = 0

    def __len__(self) -> int:
        return sum(len(starts) for starts in self._periods.values())

    def at(self, timestamp: float, unit: str) -> Period:
        """The period to which a value of this moment is to be added."""
        second = int(timestamp)
        self._newest = max(self._newest, second)
        size = SECOND if second > self._newest - FINE_SECONDS else MINUTE
        self._whole_minutes.pop(second // MINUTE, None)
        return self._slot((size, second - second % size, unit))

    def put_row(self, slot: Slot, row: list[Any]) -> None:
        """Bring a period back."""
        size, start, unit = slot
        self._newest = max(self._newest, start)
        self._periods[size].setdefault(start, {})[unit] = Period.of_row(row)

    def get(self, slot: Slot) -> Period | None:
        """A period, if it is there."""
        size, start, unit = slot
        return self._periods[size].get(start, {}).get(unit)

    def between(
        self, begin: float, end: float, unit: str | None = None
    ) -> Iterator[tuple[int, Period]]:
        """The begin and content of all periods that begin within [begin, end)."""
        for start, of, period in self.with_units(begin, end):
            if unit is None or of == unit:
                yield start, period

    def with_units(self, begin: float, end: float) -> Iterator[tuple[int, str, Period]]:
        """The same with the unit of each."""
        for size, starts in self._periods.items():
            first = math.ceil(int(begin) / size) * size
            if (end - first) / size < len(starts):
                chosen = [s for s in range(first, math.ceil(end), size) if s in starts]
            else:
                chosen = sorted(s for s in list(starts) if first <= s < end)
            for start in chosen:
                for of, period in list(starts.get(start, {}).items()):
                    yield start, of, period

    def sum_up(self, begin: float, end: float) -> Period:
        """All that is within [begin, end); whole minutes are summed up once."""
        total = Period()
        first, last = math.ceil(begin / MINUTE), int(min(end, self._newest - 5) // MINUTE)
        if first >= last:
            return merged(total, self.between(begin, end))
        merged(total, self.between(begin, first * MINUTE))
        for minute in range(first, last):
            total.merge(self._whole(minute))
        return merged(total, self.between(last * MINUTE, end))

    def compact(self) -> None:
        """Make minutes of the seconds that are no longer kept apart."""
        seconds = self._periods[SECOND]
        oldest = self._newest - FINE_SECONDS
        for start in [start for start in list(seconds) if start <= oldest]:
            for unit, period in seconds.pop(start).items():
                minute = start - start % MINUTE
                self._slot((MINUTE, minute, unit)).merge(period)
                self.changed.add((SECOND, start, unit))
        for minute in [m for m in list(self._whole_minutes) if m * MINUTE < oldest]:
            del self._whole_minutes[minute]

    def drop_oldest(self, count: int) -> None:
        """Forget this many minutes, the oldest first."""
        minutes = self._periods[MINUTE]
        for start in sorted(minutes)[:count]:
            self.changed |= {(MINUTE, start, unit) for unit in minutes.pop(start)}

    def _slot(self, slot: Slot) -> Period:
        size, start, unit = slot
        self.changed.add(slot)
        return self._periods[size].setdefault(start, {}).setdefault(unit, Period())

    def _whole(self, minute: int) -> Period:
        if minute not in self._whole_minutes:
            begin = minute * MINUTE
            self._whole_minutes[minute] = merged(Period(), self.between(begin, begin + MINUTE))
        return self._whole_minutes[minute]


def merged(total: Period, periods: Iterable[tuple[int, Period]]) -> Period:
    """``total`` with all the periods added to it."""
    for _, period in periods:
        total.merge(period)
    return total

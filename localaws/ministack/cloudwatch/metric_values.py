"""The values of metrics, summed up as they come: by second, and by minute once they are older.

Of each period there are the four sums and how often each value occurred, which is what percentiles
need. A period of many different values keeps them to within a percent or so. Thus neither memory
nor disk grows with the number of values, and neither an alarm nor a start has to go through them:
those of a period that is read from disk stay as text until somebody asks for a percentile.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

SECOND, MINUTE = 1, 60
FINE_SECONDS = 15 * MINUTE
"""How long seconds are kept apart, as counted from the newest value of the metric."""
READ_SECONDS = 2 * MINUTE
"""How long seconds are at hand for alarms that look at them again and again."""
MOST_VALUES = 200
"""That one period tells from each other."""
FINEST_STEP = 0.01


@dataclass(slots=True)
class Period:
    """What was put into one period of a metric in one unit.

    ``step`` is the ratio to which its values are rounded, less 1; 0 for values as they are.
    """

    count: float = 0.0
    total: float = 0.0
    least: float = math.inf
    most: float = -math.inf
    step: float = 0.0
    _values: dict[float, float] | str | None = field(default_factory=dict)

    @property
    def values(self) -> dict[float, float] | None:
        """How often each value occurred.

        None when there can be no percentiles, because a value is negative or a statistic set came
        without its values
        (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html).
        """
        return dict(json.loads(self._values)) if isinstance(self._values, str) else self._values

    def add(self, value: float, count: float = 1.0) -> None:
        """Add a value that occurred ``count`` times."""
        self._sum(count, value * count, value, value)
        self._values = values = None if value < 0 else self.values
        if values is not None:
            value = self._rounded(value)
            values[value] = values.get(value, 0.0) + count
            if len(values) > MOST_VALUES:
                self._values = self._coarser(values)

    def add_set(self, count: float, total: float, least: float, most: float) -> None:
        """Add a statistic set; when all its values are the same, they are known."""
        if count and least == most and total == least * count:
            self.add(least, count)
        else:
            self._sum(count, total, least, most)
            self._values = None

    def merge(self, other: "Period") -> None:
        """Add all of another period."""
        self._sum(other.count, other.total, other.least, other.most)
        values, others = self.values, other.values
        if values is None or others is None:
            self._values = None
            return
        self.step = max(self.step, other.step)
        for value, count in others.items():
            value = self._rounded(value)
            values[value] = values.get(value, 0.0) + count
        self._values = self._coarser(values)

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
        return [self.count, self.total, self.least, self.most, self.step, self._text()]

    def rest(self) -> None:
        """Keep the values as text, which takes a fifth of the memory."""
        self._values = self._text()

    @classmethod
    def of_row(cls, row: list[Any]) -> "Period":
        """The period that ``as_row`` made it of; rows of before hold their values as a list."""
        count, total, least, most, step, values = row
        if isinstance(values, list):
            values = dict(values)
        return cls(count, total, least, most, step, values)

    def _text(self) -> str | None:
        if isinstance(self._values, dict):
            return json.dumps(list(self._values.items()), separators=(",", ":"))
        return self._values

    def _sum(self, count: float, total: float, least: float, most: float) -> None:
        self.count += count
        self.total += total
        self.least = min(self.least, least)
        self.most = max(self.most, most)

    def _rounded(self, value: float) -> float:
        if not self.step or value <= 0:
            return value
        return float(f"{math.exp(round(math.log(value) / self.step) * self.step):.6g}")

    def _coarser(self, values: dict[float, float]) -> dict[float, float]:
        while len(values) > MOST_VALUES:
            self.step = 2 * self.step or FINEST_STEP
            finer, values = values, {}
            for value, count in finer.items():
                value = self._rounded(value)
                values[value] = values.get(value, 0.0) + count
        return values

    def _percentile(self, percent: float) -> float | None:
        """Between the two nearest ranks, as if each value stood there as often as it occurred."""
        values = self.values
        if not values:
            return None
        ordered = sorted(values.items())
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
        self.size = 0
        """Characters that all its rows have together."""
        self._sizes: dict[Slot, int] = {}
        self._periods: dict[int, dict[int, dict[str, Period]]] = {SECOND: {}, MINUTE: {}}
        self._whole_minutes: dict[int, Period] = {}
        self._newest = 0
        self._rested = 0

    def __len__(self) -> int:
        return sum(len(starts) for starts in self._periods.values())

    def row(self, slot: Slot) -> str | None:
        """The text of a period, if it is there."""
        period = self.get(slot)
        if period is None:
            self._weigh(slot, "")
            return None
        if slot[0] == MINUTE:
            period.rest()
        text = json.dumps(period.as_row())
        self._weigh(slot, text)
        return text

    def at(self, timestamp: float, unit: str) -> Period:
        """The period to which a value of this moment is to be added."""
        second = int(timestamp)
        self._newest = max(self._newest, second)
        size = SECOND if second > self._newest - FINE_SECONDS else MINUTE
        self._whole_minutes.pop(second // MINUTE, None)
        return self._slot((size, second - second % size, unit))

    def put_row(self, slot: Slot, text: str) -> None:
        """Bring a period back."""
        size, start, unit = slot
        self._newest = max(self._newest, start)
        self._periods[size].setdefault(start, {})[unit] = Period.of_row(json.loads(text))
        self._weigh(slot, text)

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
        until = self._newest - READ_SECONDS
        for start in range(max(self._rested, oldest), until):
            for period in seconds.get(start, {}).values():
                period.rest()
        self._rested = until
        for minute in [m for m in list(self._whole_minutes) if m * MINUTE < oldest]:
            del self._whole_minutes[minute]

    def slots(self) -> Iterator[tuple[Slot, int]]:
        """What was written of it, with the length of each row."""
        yield from self._sizes.items()

    def drop(self, slot: Slot) -> None:
        """Forget a period."""
        size, start, unit = slot
        periods = self._periods[size].get(start, {})
        if periods.pop(unit, None) is not None and not periods:
            del self._periods[size][start]
        self.changed.add(slot)

    def _weigh(self, slot: Slot, text: str) -> None:
        self.size += len(text) - self._sizes.pop(slot, 0)
        if text:
            self._sizes[slot] = len(text)

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

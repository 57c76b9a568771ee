"""A cache bounded by size, from which the least recently used entries go."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Generic, TypeVar

Value = TypeVar("Value")


@dataclass(slots=True)
class _Entry(Generic[Value]):
    value: Value
    size: int
    pins: int = 0


class LruCache(Generic[Value]):
    """Named values with sizes, together never larger than ``capacity``.

    A pinned entry is in use and is never named for eviction. The cache only keeps the books:
    ``make_room`` says what has to go, and the owner removes it. Which models SageMaker evicts
    first is not documented; least recently used first is this project's choice.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.used = 0
        self._entries: OrderedDict[str, _Entry[Value]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def names(self) -> list[str]:
        """All names, the least recently used first."""
        return list(self._entries)

    def get(self, name: str) -> Value | None:
        """The value, which becomes the most recently used, or None."""
        entry = self._entries.get(name)
        if entry is None:
            return None
        self._entries.move_to_end(name)
        return entry.value

    def make_room(self, size: int) -> list[str] | None:
        """Names to remove, in order, so that ``size`` more fits; the cache itself is unchanged.

        None when no choice of unpinned entries frees enough.
        """
        missing = self.used + size - self.capacity
        victims = []
        for name, entry in self._entries.items():
            if missing <= 0:
                break
            if not entry.pins:
                victims.append(name)
                missing -= entry.size
        return victims if missing <= 0 else None

    def put(self, name: str, value: Value, size: int) -> None:
        """Add a new entry as the most recently used one; there must be room.

        Raises
        ------
        ValueError
        """
        if name in self._entries:
            raise ValueError(f"{name} is in the cache already")
        if self.used + size > self.capacity:
            raise ValueError(f"{size} bytes do not fit beside {self.used} of {self.capacity}")
        self._entries[name] = _Entry(value, size)
        self.used += size

    def remove(self, name: str) -> Value:
        """Take an entry out."""
        entry = self._entries.pop(name)
        self.used -= entry.size
        return entry.value

    def pin(self, name: str) -> None:
        """Mark the entry as in use, once more."""
        self._entries[name].pins += 1

    def unpin(self, name: str) -> None:
        """Undo one ``pin``."""
        self._entries[name].pins -= 1

    def is_pinned(self, name: str) -> bool:
        """Whether the entry is in use."""
        return self._entries[name].pins > 0

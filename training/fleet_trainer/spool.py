"""Values on disk instead of in memory: what a run knows of each of its cities."""

import pickle
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Spool(Generic[T]):
    """Values in the order in which they came, in a temporary file of this process alone."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the spool
        weakref.finalize(self, self._file.close)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[T]:
        position = 0
        for _ in range(self._count):
            self._file.seek(position)
            value: T = pickle.load(self._file)  # noqa: S301 - written below
            position = self._file.tell()
            yield value

    def extend(self, values: Iterable[T]) -> None:
        """Add values in their order."""
        for value in values:
            self.append(value)

    def append(self, value: T) -> None:
        """Add a value, which has to be one that ``pickle`` takes."""
        self._file.seek(0, 2)
        pickle.dump(value, self._file)
        self._count += 1

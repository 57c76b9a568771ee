"""What user scripts print, sent to the log of the container that runs them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import IO, Any

from localaws.containers.base import LogSink


class LineBuffer:
    """Gives whole lines to a sink; ``print`` writes a line in several pieces."""

    def __init__(self, sink: LogSink) -> None:
        self._sink = sink
        self._rest = ""

    def write(self, text: str) -> None:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._sink(line)

    def close(self) -> None:
        """Give what is left, a line without its end."""
        if self._rest:
            self._sink(self._rest)


class RoutedStream:
    """A standard stream whose text goes to the log of the current container, if there is one."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        buffer = _buffer.get()
        if buffer is None:
            return self._stream.write(text)
        buffer.write(text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


_buffer: ContextVar[LineBuffer | None] = ContextVar("buffer", default=None)


@contextmanager
def captured_output(sink: LogSink) -> Iterator[None]:
    """Within it, what this thread prints goes to ``sink``, line by line."""
    _route("stdout")
    _route("stderr")
    buffer = LineBuffer(sink)
    token = _buffer.set(buffer)
    try:
        yield
    finally:
        _buffer.reset(token)
        buffer.close()


def _route(name: str) -> None:
    stream = getattr(sys, name)
    if not isinstance(stream, RoutedStream):
        setattr(sys, name, RoutedStream(stream))

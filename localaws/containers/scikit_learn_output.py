"""What user scripts print, sent to the log of the container that runs them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import IO, Any

from localaws.containers.base import LogSink

_sink: ContextVar[LogSink | None] = ContextVar("sink", default=None)


class RoutedStream:
    """A standard stream whose text goes to the log of the current container, if there is one."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        sink = _sink.get()
        if sink is None:
            return self._stream.write(text)
        for line in text.splitlines():
            if line.strip():
                sink(line)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def captured_output(sink: LogSink) -> Iterator[None]:
    """Within it, what this thread prints goes to ``sink``."""
    _route("stdout")
    _route("stderr")
    token = _sink.set(sink)
    try:
        yield
    finally:
        _sink.reset(token)


def _route(name: str) -> None:
    stream = getattr(sys, name)
    if not isinstance(stream, RoutedStream):
        setattr(sys, name, RoutedStream(stream))

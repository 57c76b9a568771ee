"""What user scripts print and log, sent to the log of the container that runs them."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import IO, Any

from localaws.containers.contract import LogSink

LOG_FORMAT = "%(asctime)s %(levelname)s - %(name)s - %(message)s"
"""The container's, which logs from INFO on (aws/sagemaker-scikit-learn-container, serving.py)."""


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


_buffer: ContextVar[LineBuffer | None] = ContextVar("buffer", default=None)


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


class ContainerLogHandler(logging.Handler):
    """Writes log records to the log of the current container."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter(LOG_FORMAT))
        self.addFilter(_is_of_container)

    def emit(self, record: logging.LogRecord) -> None:
        buffer = _buffer.get()
        if buffer is not None:
            buffer.write(f"{self.format(record)}\n")


@contextmanager
def captured_output(sink: LogSink) -> Iterator[None]:
    """Within it, what this thread prints and logs goes to ``sink``, line by line."""
    _route("stdout")
    _route("stderr")
    _route_logging()
    buffer = LineBuffer(sink)
    token = _buffer.set(buffer)
    try:
        yield
    finally:
        _buffer.reset(token)
        buffer.close()


@contextmanager
def kept_root_logger() -> Iterator[None]:
    """Afterwards the root logger is as before: it is every script's, and localaws' own."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


def _route(name: str) -> None:
    stream = getattr(sys, name)
    if not isinstance(stream, RoutedStream):
        setattr(sys, name, RoutedStream(stream))


def _route_logging() -> None:
    """Let records of scripts through to their log, and to no other handler of the root logger."""
    root = logging.getLogger()
    if any(isinstance(handler, ContainerLogHandler) for handler in root.handlers):
        return
    for handler in root.handlers:
        handler.setLevel(max(handler.level, root.level))
        handler.addFilter(_is_of_no_container)
    root.addHandler(ContainerLogHandler())
    root.setLevel(min(root.level, logging.INFO))


def _is_of_container(record: logging.LogRecord) -> bool:
    return _buffer.get() is not None


def _is_of_no_container(record: logging.LogRecord) -> bool:
    return _buffer.get() is None

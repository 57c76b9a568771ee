"""Log lines on their way to CloudWatch Logs."""

import threading
import time
from collections.abc import Callable, Sequence

from localaws.backend import Backend, Scope

Lines = Sequence[tuple[float, str]]

FLUSH_SECONDS = 0.5


class LogStream:
    """Collects lines and appends them to one log stream, a few times a second.

    Usable from several threads. ``close`` writes what is left.
    """

    def __init__(self, append: Callable[[Lines], None], flush_seconds: float = FLUSH_SECONDS):
        self._append = append
        self._flush_seconds = flush_seconds
        self._lock = threading.Lock()
        self._lines: list[tuple[float, str]] = []
        self._flushed_at = time.monotonic()

    def __call__(self, line: str) -> None:
        with self._lock:
            self._lines.append((time.time(), line))
            if time.monotonic() - self._flushed_at >= self._flush_seconds:
                self._flush()

    def close(self) -> None:
        with self._lock:
            self._flush()

    def _flush(self) -> None:
        lines, self._lines = self._lines, []
        self._flushed_at = time.monotonic()
        if lines:
            self._append(lines)


def open_log_stream(backend: Backend, scope: Scope, group: str, stream: str) -> LogStream:
    """A stream of a log group, both made when their first line arrives."""
    return LogStream(lambda lines: backend.put_log_lines(scope, group, stream, lines))

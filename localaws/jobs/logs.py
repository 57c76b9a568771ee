"""Log lines on their way to CloudWatch Logs."""

import threading
import time
from collections.abc import Callable, Sequence

from localaws.backend import Backend, Scope

Lines = Sequence[tuple[float, str]]

FLUSH_SECONDS = 0.5


class LogStream:
    """Collects lines, from any thread, and appends them to one log stream when told to."""

    def __init__(self, append: Callable[[Lines], None]) -> None:
        self._append = append
        self._lock = threading.Lock()
        self._lines: list[tuple[float, str]] = []
        self._flushed_at = 0.0

    def __call__(self, line: str) -> None:
        with self._lock:
            self._lines.append((time.time(), line))

    def flush_now_and_then(self) -> None:
        """Append what there is, unless that was done a moment ago; to be called often."""
        if time.monotonic() - self._flushed_at >= FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Append what there is."""
        with self._lock:
            lines, self._lines = self._lines, []
            self._flushed_at = time.monotonic()
        if lines:
            self._append(lines)


def open_log_stream(backend: Backend, scope: Scope, group: str, stream: str) -> LogStream:
    """A stream of a log group, both made when their first line arrives."""
    return LogStream(lambda lines: backend.put_log_lines(scope, group, stream, lines))

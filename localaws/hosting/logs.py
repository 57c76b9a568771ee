"""What containers write, gathered in memory and sent to CloudWatch Logs once a second."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from localaws.backend import Backend, Scope

MAXIMUM_ACCESS_LINES = 20
"""Access lines that one stream keeps of one second; CloudWatch is no place for a load test."""


@dataclass
class LogStream:
    """One log stream; its methods may be called from any thread."""

    scope: Scope
    group: str
    name: str
    role_arn: str | None = None
    now: Callable[[], float] = time.time
    _lines: deque[tuple[float, str]] = field(default_factory=deque)
    _accesses: int = 0

    def write(self, text: str) -> None:
        """Add what a container printed, a log event for each line."""
        moment = self.now()
        self._lines.extend((moment, line) for line in text.splitlines() if line)

    def accepts_access(self) -> bool:
        """Count a request; True when there is room for its access line."""
        self._accesses += 1
        return self._accesses <= MAXIMUM_ACCESS_LINES

    def access(self, path: str, status: int, size: int, seconds: float) -> None:
        """Add a line for one answered request, as the containers' web server writes it."""
        line = f'"POST {path} HTTP/1.1" {status} {size} {seconds * 1000:.3f}ms'
        self._lines.append((self.now(), line))

    def drain(self) -> list[tuple[float, str]]:
        """Take out what was written."""
        lines = [self._lines.popleft() for _ in range(len(self._lines))]
        omitted, self._accesses = self._accesses - MAXIMUM_ACCESS_LINES, 0
        if omitted > 0:
            lines.append((self.now(), f"{omitted} more requests within this second"))
        return lines


class LogPublisher:
    """Knows every stream that is alive and sends what they gathered."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._streams: dict[tuple[Scope, str, str], LogStream] = {}

    def stream(self, scope: Scope, group: str, name: str, role_arn: str | None = None) -> LogStream:
        """The stream of this name, the same object each time; written as the role may."""
        stream = LogStream(scope, group, name, role_arn)
        return self._streams.setdefault((scope, group, name), stream)

    def flush(self) -> None:
        """Send everything written so far."""
        for stream in list(self._streams.values()):
            if lines := stream.drain():
                self._backend.put_log_lines(
                    stream.scope, stream.group, stream.name, lines, stream.role_arn
                )


logger = logging.getLogger(__name__)


class RegularFlush:
    """Calls ``flush`` on whole periods, and once more at the end.

    On whole seconds, so that metrics lag by one period of a second and never by two. A call that
    fails is logged and the next one made all the same.
    """

    def __init__(self, flush: Callable[[], None], seconds: float) -> None:
        self._flush = flush
        self._seconds = seconds
        self._stopping = threading.Event()
        self._awake = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="flush", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after a last call."""
        self._stopping.set()
        self._awake.set()
        if self._thread.is_alive():
            self._thread.join()
        self.now()

    def soon(self) -> None:
        """Do not wait for the period to end."""
        self._awake.set()

    def now(self) -> None:
        """Call it now, but never twice at a time."""
        with self._lock:
            self._flush()

    def _run(self) -> None:
        while True:
            self._awake.wait(self._seconds - time.time() % self._seconds)
            self._awake.clear()
            if self._stopping.is_set():
                return
            try:
                self.now()
            except Exception:
                logger.exception("what is done regularly failed")

"""One line a request, for people: time, status, operation, resource, caller, duration, error.

What callers choose is percent-encoded, so that a space always ends a column; the error is last.
"""

import time
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from localaws.authorization import Caller
from localaws.errors import AwsError
from localaws.http.invocations import ACTIONS, INVOKE_ENDPOINT
from localaws.http.wire import Exchange
from localaws.signature import SignedRequest

ROTATE_BYTES = 16 * 1024 * 1024


class Entry(NamedTuple):
    """What a line says; ``caller`` is an ARN, ``seconds`` the time from request to answer.

    The line itself is made when it is written, which nobody waits for.
    """

    status: int
    operation: str
    resource: str
    caller: str
    seconds: float
    error: str = ""
    target_model: str = ""

    def line(self, at: float) -> str:
        """The line, for a request that ended at ``at`` seconds since the epoch."""
        caller = self.caller.rpartition(":")[2] or "-"
        resource = self.resource or "-"
        if self.target_model:
            resource += f" {quote(self.target_model, encoding='latin-1')}"
        text = f"{_clock(int(at))} {self.status} {self.operation} {resource} {caller}"
        text += f" {self.seconds * 1000:.1f}ms"
        return f"{text} {self.error}" if self.error else text


class AccessLog:
    """Collects lines in memory; ``flush`` appends them to the file, which is kept small."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries: list[tuple[float, Entry]] = []

    def add(self, entry: Entry) -> None:
        """Note one request."""
        self._entries.append((time.time(), entry))

    def flush(self) -> None:
        """Write what was noted since."""
        entries, self._entries = self._entries, []
        if not entries:
            return
        if self._path.exists() and self._path.stat().st_size > ROTATE_BYTES:
            self._path.replace(self._path.with_suffix(".log.1"))
        text = "".join(f"{_printable(entry.line(at))}\n" for at, entry in entries)
        with self._path.open("a") as file:
            file.write(text)


def entry_of(
    request: SignedRequest,
    status: int,
    caller: Caller | None,
    seconds: float,
    error: AwsError | None,
) -> Entry:
    """The line of a request to SageMaker."""
    called = request.headers.get("x-amz-target", "").rpartition(".")[2]
    invoked, endpoint = _invocation(request.raw_path)
    return Entry(
        status,
        f"sagemaker:{called or invoked}",
        endpoint,
        caller.identity.principal.arn if caller else "",
        seconds,
        str(error) if error else "",
        request.headers.get("x-amzn-sagemaker-target-model", ""),
    )


@lru_cache(maxsize=256)
def _invocation(path: str) -> tuple[str, str]:
    """The operation of the SageMaker Runtime behind a path, and the endpoint."""
    endpoint, _, kind = path.removeprefix("/endpoints/").strip("/").partition("/")
    return ACTIONS.get(kind, INVOKE_ENDPOINT), endpoint


def entry_of_exchange(exchange: Exchange, seconds: float) -> Entry:
    """The line of a request to another service; bodies and query strings stay out of the log."""
    operation = f"{exchange.service or 'unsigned'}:{exchange.action}"
    return Entry(exchange.status, operation, exchange.path, exchange.access_key_id, seconds)


@lru_cache(maxsize=4)
def _clock(second: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))


def _printable(line: str) -> str:
    """Callers choose parts of a line, and must not begin another one."""
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() else "?" for c in line)

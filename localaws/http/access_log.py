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
    """What a line says; ``caller`` is an ARN, ``seconds`` the time from request to answer."""

    status: int
    operation: str
    resource: str
    caller: str
    seconds: float
    error: str = ""

    def line(self, at: float) -> str:
        """The line, for a request that ended at ``at`` seconds since the epoch."""
        clock = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
        caller = self.caller.rpartition(":")[2] or "-"
        text = f"{clock} {self.status} {self.operation} {self.resource or '-'} {caller}"
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
    target_model = request.headers.get("x-amzn-sagemaker-target-model", "")
    invoked, resource = _invocation(request.raw_path, target_model)
    return Entry(
        status,
        f"sagemaker:{called or invoked}",
        resource,
        caller.identity.principal.arn if caller else "",
        seconds,
        str(error) if error else "",
    )


@lru_cache(maxsize=10_000)
def _invocation(path: str, target_model: str) -> tuple[str, str]:
    """The operation of the SageMaker Runtime behind a path, and what it is about."""
    endpoint, _, kind = path.removeprefix("/endpoints/").strip("/").partition("/")
    resource = f"{endpoint} {quote(target_model, encoding='latin-1')}".strip()
    return ACTIONS.get(kind, INVOKE_ENDPOINT), resource


def entry_of_exchange(exchange: Exchange, seconds: float) -> Entry:
    """The line of a request to another service; bodies and query strings stay out of the log."""
    operation = f"{exchange.service or 'unsigned'}:{exchange.action}"
    return Entry(exchange.status, operation, exchange.path, exchange.access_key_id, seconds)


def _printable(line: str) -> str:
    """Callers choose parts of a line, and must not begin another one."""
    return "".join(c if c.isprintable() else "?" for c in line)

"""Who invoked which model how often, allowed or denied: the access log, counted."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

_LINE = re.compile(
    r"[\d-]{10} [\d:]{8} \d{3} sagemaker:(?P<action>InvokeEndpoint\w*)"
    r" (?P<endpoint>\S+)(?: (?P<target_model>\S+))? (?P<caller>\S+) [\d.]+ms"
    r"(?: (?P<code>\w+):.*)?"
)


@dataclass(frozen=True)
class Invocations:
    """One caller, one way to invoke and one model, with how many were allowed and denied.

    ``caller`` is a session or user; ``-`` where the signature, and so the caller, was wrong.
    """

    caller: str
    action: str
    endpoint: str
    target_model: str
    allowed: int
    denied: int
    unauthenticated: int


def read_invocations(log: Path) -> list[Invocations]:
    """Count what the log says, and the older part that it was rotated to."""
    outcomes = Counter(_outcomes(_lines(log)))
    return [
        Invocations(
            *who_and_what,
            allowed=outcomes[who_and_what, "allowed"],
            denied=outcomes[who_and_what, "denied"],
            unauthenticated=outcomes[who_and_what, "unauthenticated"],
        )
        for who_and_what in sorted({who_and_what for who_and_what, _ in outcomes})
    ]


def _lines(log: Path) -> Iterator[str]:
    for path in (log.with_suffix(".log.1"), log):
        if path.exists():
            with path.open() as file:
                yield from file


def _outcomes(lines: Iterable[str]) -> Iterator[tuple[tuple[str, str, str, str], str]]:
    for line in lines:
        match = _LINE.fullmatch(line.rstrip("\n"))
        if match is not None:
            target_model = unquote(match["target_model"] or "", encoding="latin-1")
            who_and_what = (match["caller"], match["action"], match["endpoint"], target_model)
            yield who_and_what, _outcome(match["caller"], match["code"])


def _outcome(caller: str, code: str | None) -> str:
    if caller == "-":
        return "unauthenticated"
    return "denied" if code == "AccessDeniedException" else "allowed"

"""What changed between two reports of ``access-check --json``."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleet.errors import HousingError

Decisions = Mapping[tuple[str, str], tuple[str, str | None]]
"""By session and question: the effect, and the statement that decided."""


@dataclass(frozen=True)
class Changes:
    """What another state of the policies decides otherwise, a line each.

    ``asked_of_one`` counts the questions that only one of the reports has: of models that came or
    went, which is no change of a policy.
    """

    wider: tuple[str, ...]
    narrower: tuple[str, ...]
    problems: tuple[str, ...]
    asked_of_one: int

    @property
    def lines(self) -> tuple[str, ...]:
        """All, what is wider first."""
        return (*self.wider, *self.narrower, *self.problems)


def read_report(file: Path) -> Mapping[str, Any]:
    """A report that ``access-check --json`` wrote.

    Raises
    ------
    HousingError
        The file is none.
    """
    try:
        report = json.loads(file.read_text(encoding="utf-8"))
        _decisions(report)
        _problems(report)
    except (ValueError, KeyError, TypeError):
        raise HousingError(f"{file} is no report of housing access-check --json") from None
    return dict(report)


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Changes:
    """Compare two reports."""
    old, new = _decisions(before), _decisions(after)
    wider, narrower = [], []
    for key in old.keys() & new.keys():
        (was, _), (now, by) = old[key], new[key]
        session, question = key
        if was != "allowed" and now == "allowed":
            wider.append(f"{session} may now invoke {question!r}{_by(by)}")
        elif was == "allowed" and now != "allowed":
            narrower.append(f"{session} may no longer invoke {question!r}{_by(by)}")
    return Changes(
        tuple(sorted([*wider, *_sessions(old, new, "is new, and may invoke")])),
        tuple(sorted([*narrower, *_sessions(new, old, "is gone, and could invoke")])),
        tuple(_problem_changes(_problems(before), _problems(after))),
        len(old.keys() ^ new.keys()),
    )


def _by(statement: str | None) -> str:
    return f" by {statement}" if statement else ""


def _sessions(old: Decisions, new: Decisions, what: str) -> Iterator[str]:
    """Sessions that only ``new`` has, and that may invoke something."""
    added = {session for session, _ in new} - {session for session, _ in old}
    counts = dict.fromkeys(added, 0)
    for (session, _), (effect, _) in new.items():
        if session in counts:
            counts[session] += effect == "allowed"
    for session, count in counts.items():
        if count:
            yield f"{session} {what} {count} of what is asked"


def _problem_changes(before: set[str], after: set[str]) -> Iterator[str]:
    yield from (f"new problem: {problem}" for problem in sorted(after - before))
    yield from (f"solved: {problem}" for problem in sorted(before - after))


def _problems(report: Mapping[str, Any]) -> set[str]:
    return set(report["problems"])


def _decisions(report: Mapping[str, Any]) -> Decisions:
    return {
        (session["session"], cell["question"]): (cell["decision"], cell["decided_by"])
        for session in report["sessions"]
        for cell in session["cells"]
    }

"""The matrix as a table for people, and as JSON for programs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import groupby
from typing import Any

from fleet.access.audit import Audit
from fleet.access.live import LiveCell
from fleet.access.matrix import NEW_MODEL, Cell, Matrix, Row
from fleet.console import Console
from iam_policy import Effect

MARKS = {Effect.ALLOWED: "✓", Effect.EXPLICIT_DENY: "×", Effect.IMPLICIT_DENY: "·"}
ASCII_MARKS = {Effect.ALLOWED: "+", Effect.EXPLICIT_DENY: "x", Effect.IMPLICIT_DENY: "."}
"""Where a terminal has no other signs."""
GRID_MODELS = 20
"""With more models than these, sessions are counted instead of drawn."""

Numbers = Mapping[tuple[str, str], int]
"""Role and statement to the number that stands for the statement in the role's rows."""


def print_audit(console: Console, found: Audit) -> None:
    """The grid, the statements that decided, and how roles can be assumed."""
    matrix = found.matrix
    console.say(f"Who may invoke what ({matrix.source})")
    if len(matrix.models) > GRID_MODELS:
        _print_summary(console, found)
        return
    for number, title in enumerate(map(column_title, matrix.titles), start=1):
        console.say(f"{number:>4}  {title}")
    numbers = _statement_numbers(matrix)
    for line in _grid(matrix, numbers, _marks(console), console.width):
        console.say(line)
    console.say(_meanings(_marks(console)))
    for role, statements in groupby(numbers.items(), key=lambda item: item[0][0]):
        console.say(f"  {role}")
        for (_, statement), number in statements:
            console.say(f"{number:>6}  {statement}")
    refused = sum(not attempt.succeeds for attempt in found.attempts)
    console.say(f"assuming: {refused} of {len(found.attempts)} ways to widen a role are refused")


def _print_summary(console: Console, found: Audit) -> None:
    """A line for each role; the tenants' sessions together. Differences are told beside it."""
    matrix = found.matrix
    rows = []
    for name, group in groupby(matrix.rows, key=_group):
        sessions = list(group)
        cells = [cell for row in sessions for cell in (*row.cells, *row.probes)]
        wrong = sum(len(row.unexpected) for row in sessions)
        allowed = sum(cell.decision.allowed for cell in cells)
        counts = (len(sessions), len(cells), allowed, wrong)
        rows.append([name, *(f"{count:,}" for count in counts)])
    columns = ["role", "sessions", "questions", "allowed", "not as the config says"]
    console.table(f"{len(matrix.models):,} models", columns, rows)
    refused = sum(not attempt.succeeds for attempt in found.attempts)
    console.say(f"assuming: {refused} of {len(found.attempts)} ways to widen a role are refused")


def _group(row: Row) -> str:
    return "Tenant" if row.subject.session_tags else row.subject.name


def print_sessions(console: Console, matrix: Matrix, pattern: str) -> int:
    """All that was asked of the sessions whose name fits the pattern; how many there are."""
    found = [row for row in matrix.rows if fnmatchcase(row.subject.name, pattern)]
    marks = _marks(console)
    for row in found:
        console.say(row.subject.name)
        for cell in (*row.cells, *row.probes):
            by = f"  {cell.decision.statement}" if cell.decision.statement else ""
            mark = marks[cell.decision.effect] + (" " if cell.as_expected else "!")
            console.say(f"  {mark} {column_title(cell.question.title)}{by}")
    console.say(_meanings(marks))
    return len(found)


def _marks(console: Console) -> Mapping[Effect, str]:
    return MARKS if console.is_unicode else ASCII_MARKS


def _meanings(marks: Mapping[Effect, str]) -> str:
    return (
        f"{marks[Effect.ALLOWED]} allowed  {marks[Effect.EXPLICIT_DENY]} denied by a statement  "
        f"{marks[Effect.IMPLICIT_DENY]} allowed by none  ! not as the config says"
    )


def column_title(title: str) -> str:
    """What a column is about."""
    return "any model to come" if title == NEW_MODEL else title


def print_live(console: Console, cells: Sequence[LiveCell]) -> None:
    """How many cells were tried, and what told nothing."""
    told = [cell for cell in cells if cell.allowed is not None]
    agreed = sum(cell.agrees for cell in told)
    console.say(f"live: {agreed} of {len(told)} cells as the policies say")
    for cell in cells:
        if cell.allowed is None:
            title = cell.cell.question.title
            console.say(f"  not told: {cell.subject.name}, {title}: {cell.answer}")


def live_problems(cells: Iterable[LiveCell]) -> list[str]:
    """Lines about the cells where reality and policies differ."""
    return [
        f"{cell.subject.name}, {cell.cell.question.title!r}: the policies say "
        f"{cell.cell.decision.effect.value}, and it was {'allowed' if cell.allowed else 'denied'}"
        f" ({cell.answer})"
        for cell in cells
        if not cell.agrees
    ]


def as_json(found: Audit, live: Sequence[LiveCell] | None, problems: Sequence[str]) -> Any:
    """The whole audit as JSON values."""
    tried = {(c.subject.name, c.cell.question.title): c for c in live or ()}
    return {
        "source": found.matrix.source,
        "problems": list(problems),
        "assuming": [
            {"attempt": attempt.title, "succeeds": attempt.succeeds} for attempt in found.attempts
        ],
        "sessions": [
            {
                "session": row.subject.name,
                "role": row.subject.role.arn,
                "session_tags": dict(row.subject.session_tags),
                "target_models": list(row.subject.target_models),
                "cells": [
                    _cell_json(cell, tried.get((row.subject.name, cell.question.title)))
                    for cell in row.cells
                ],
            }
            for row in found.matrix.rows
        ],
    }


def _cell_json(cell: Cell, live: LiveCell | None) -> dict[str, object]:
    asked = cell.question
    document: dict[str, object] = {
        "question": asked.title,
        "action": asked.action,
        "resource": asked.resource,
        "target_model": asked.target_model,
        "decision": cell.decision.effect.value,
        "decided_by": cell.decision.statement,
        "expected": asked.expected,
    }
    if live is not None:
        document["live"] = live.answer
    return document


def _statement_numbers(matrix: Matrix) -> Numbers:
    numbers: dict[tuple[str, str], int] = {}
    for role, rows in groupby(matrix.rows, key=lambda row: row.subject.role.name):
        decided = [cell.decision.statement for row in rows for cell in row.cells]
        for number, statement in enumerate(dict.fromkeys(filter(None, decided)), start=1):
            numbers[role, statement] = number
    return numbers


def _grid(
    matrix: Matrix, numbers: Numbers, marks: Mapping[Effect, str], most: int
) -> Iterator[str]:
    """A line a session; two, its name and its cells, where one would be wider than the terminal."""
    rows = [[_cell_text(row, cell, numbers, marks) for cell in row.cells] for row in matrix.rows]
    header = [str(number + 1) for number in range(len(matrix.titles))]
    width = 1 + max((len(text) for line in [header, *rows] for text in line), default=0)
    names = ["session", *(row.subject.name for row in matrix.rows)]
    longest = max(map(len, names))
    between = "" if longest + width * len(header) <= most else "\n"
    for name, texts in zip(names, [header, *rows], strict=True):
        cells = "".join(text.rjust(width) for text in texts)
        yield (name if between else name.ljust(longest)) + between + cells


def _cell_text(row: Row, cell: Cell, numbers: Numbers, marks: Mapping[Effect, str]) -> str:
    statement = cell.decision.statement
    number = numbers[row.subject.role.name, statement] if statement else ""
    return f"{marks[cell.decision.effect]}{number}{'' if cell.as_expected else '!'}"

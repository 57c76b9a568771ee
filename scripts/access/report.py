"""The matrix as a table for people, and as JSON for programs."""

from collections.abc import Iterable, Sequence
from typing import Any

from iam_policy import Effect
from scripts.access.audit import Audit
from scripts.access.live import LiveCell
from scripts.access.matrix import NEW_MODEL, Cell, Matrix
from scripts.console import Console

SYMBOLS = {Effect.ALLOWED: "yes", Effect.EXPLICIT_DENY: "no", Effect.IMPLICIT_DENY: "-"}


def print_audit(console: Console, found: Audit) -> None:
    """The table, the statements that decided, and the verdict."""
    matrix = found.matrix
    statements = _numbered_statements(matrix)
    for number, title in enumerate(map(column_title, matrix.titles), start=1):
        console.say(f"{number:>4}  {title}")
    rows = [
        [row.subject.name, *(_cell_text(cell, statements) for cell in row.cells)]
        for row in matrix.rows
    ]
    numbers = [str(number + 1) for number in range(len(matrix.titles))]
    console.table(f"Who may invoke what ({matrix.source})", ["session", *numbers], rows)
    console.say("yes: allowed   no: denied by a statement   -: allowed by none   !: not as config")
    for statement, number in statements.items():
        console.say(f"  [{number}] {statement}")
    refused = sum(not attempt.succeeds for attempt in found.attempts)
    console.say(f"assuming: {refused} of {len(found.attempts)} ways to widen a role are refused")


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


def _numbered_statements(matrix: Matrix) -> dict[str, int]:
    names = [cell.decision.statement for row in matrix.rows for cell in row.cells]
    return {name: number for number, name in enumerate(dict.fromkeys(filter(None, names)), 1)}


def _cell_text(cell: Cell, statements: dict[str, int]) -> str:
    statement = cell.decision.statement
    by = f" {statements[statement]}" if statement else ""
    return f"{SYMBOLS[cell.decision.effect]}{by}{'' if cell.as_expected else ' !'}"

"""Everything that is wrong with a stage's access, as lines that a person can act upon."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fleet.access.expectation import Expectation
from fleet.access.matrix import Cell, Matrix, Subject, make_matrix
from fleet.access.roles import Estate
from fleet.access.trust import Attempt, widening_attempts


@dataclass(frozen=True)
class Audit:
    """The matrix, the ways to assume a role that must fail, and what is wrong."""

    matrix: Matrix
    attempts: tuple[Attempt, ...]
    problems: tuple[str, ...]


def audit(estate: Estate, expectation: Expectation, models: tuple[str, ...]) -> Audit:
    """Hold the roles against the config."""
    matrix = make_matrix(estate, expectation, models)
    attempts = tuple(widening_attempts(estate, expectation))
    problems = [
        *_missing_roles(estate, expectation),
        *_unreadable_policies(estate),
        *_unexpected_cells(matrix, expectation.source),
        *_open_doors(attempts),
    ]
    return Audit(matrix, attempts, tuple(problems))


def _missing_roles(estate: Estate, expectation: Expectation) -> Iterator[str]:
    for name in expectation.restricted.keys() - estate.restricted.keys():
        yield f"role {name} of {expectation.source} is not there"
    for name in estate.restricted.keys() - expectation.restricted.keys():
        yield f"role {name} is there, but not in {expectation.source}"


def _unreadable_policies(estate: Estate) -> Iterator[str]:
    tenant = [estate.tenant] if estate.tenant else []
    for role in (*estate.restricted.values(), *tenant, *estate.others):
        for arn in role.unreadable:
            yield f"role {role.name} has the policy {arn}, whose text is not in the templates"


def _unexpected_cells(matrix: Matrix, source: str) -> Iterator[str]:
    for row in matrix.rows:
        for cell in row.unexpected:
            yield difference(row.subject, cell, source)


def difference(subject: Subject, cell: Cell, source: str) -> str:
    """One line about a cell that is not what the config, or another source, says."""
    may = "may" if cell.decision.allowed else "may not"
    should = "may" if cell.question.expected else "may not"
    by = f" by {cell.decision.statement}" if cell.decision.statement else ""
    what = cell.question.title
    return f"{subject.name} {may} invoke {what!r}{by}; by {source} it {should}"


def _open_doors(attempts: Iterable[Attempt]) -> Iterator[str]:
    for attempt in attempts:
        if attempt.succeeds:
            yield f"{attempt.title}: the role can be assumed, and should not"

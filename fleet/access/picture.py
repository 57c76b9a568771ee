"""The matrix as an SVG picture."""

from collections.abc import Iterator
from html import escape
from pathlib import Path

from fleet.access.matrix import Cell, Matrix
from fleet.access.report import column_title
from iam_policy import Effect

CELL, MARGIN, LETTER = 30, 16, 8
"""Sides of a cell, the picture's margin and the width of a letter, in pixels."""
STYLES = {
    Effect.ALLOWED: ("#2e7d32", "#ffffff", "✓", "allowed"),
    Effect.EXPLICIT_DENY: ("#f8d7d3", "#b3261e", "×", "denied by a statement"),
    Effect.IMPLICIT_DENY: ("#eceff1", "#78909c", "·", "allowed by no statement"),
}
"""Background, colour of the mark, mark and meaning."""


def write_picture(path: Path, matrix: Matrix) -> None:
    """Write the matrix as SVG; each cell's tooltip names the statement that decided."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(_lines(matrix)) + "\n")


def _lines(matrix: Matrix) -> Iterator[str]:
    titles = [column_title(title) for title in matrix.titles]
    left = MARGIN + LETTER * max((len(row.subject.name) for row in matrix.rows), default=0)
    # Titles are turned by 50 degrees: 0.77 of their length goes up, and 0.64 to the right.
    longest = LETTER * max(map(len, titles), default=0)
    top = MARGIN + round(0.77 * longest)
    width = left + CELL * len(titles) + round(0.64 * longest) + MARGIN
    height = top + CELL * len(matrix.rows) + 3 * MARGIN
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
        f' height="{height}" font-family="system-ui, sans-serif" font-size="13">'
    )
    yield f'<rect width="{width}" height="{height}" fill="white"/>'
    for number, title in enumerate(titles):
        x = left + CELL * number + CELL * 0.6
        yield f'<text transform="translate({x} {top - 8}) rotate(-50)">{escape(title)}</text>'
    for number, row in enumerate(matrix.rows):
        y = top + CELL * number
        name = escape(row.subject.name)
        yield f'<text x="{left - 8}" y="{y + CELL * 0.65}" text-anchor="end">{name}</text>'
        for column, cell in enumerate(row.cells):
            yield _square(left + CELL * column, y, cell)
    yield from _legend(left, height - MARGIN)
    yield "</svg>"


def _square(x: float, y: float, cell: Cell) -> str:
    """Allowed or denied, by colour and by mark; a heavy frame where the config says otherwise."""
    decision = cell.decision
    background, colour, mark, _ = STYLES[decision.effect]
    frame = "" if cell.as_expected else ' stroke="#ff6f00" stroke-width="4"'
    tooltip = f"{cell.question.title}: {decision.effect.value}"
    if decision.statement:
        tooltip += f" by {decision.statement}"
    return (
        f'<g><title>{escape(tooltip)}</title><rect x="{x + 1}" y="{y + 1}" width="{CELL - 2}"'
        f' height="{CELL - 2}" rx="4" fill="{background}"{frame}/>'
        f'<text x="{x + CELL / 2}" y="{y + CELL * 0.65}" text-anchor="middle" fill="{colour}">'
        f"{mark}</text></g>"
    )


def _legend(x: float, y: float) -> Iterator[str]:
    for background, colour, mark, meaning in STYLES.values():
        yield (
            f'<rect x="{x}" y="{y - 13}" width="18" height="18" rx="3" fill="{background}"/>'
            f'<text x="{x + 9}" y="{y}" text-anchor="middle" fill="{colour}">{mark}</text>'
            f'<text x="{x + 24}" y="{y}">{meaning}</text>'
        )
        x += 40 + LETTER * len(meaning)

"""The matrix as an SVG picture."""

from collections.abc import Iterator
from html import escape
from pathlib import Path

from iam_policy import Effect
from scripts.access.matrix import Cell, Matrix
from scripts.access.report import column_title

CELL, LEFT, TOP, MARGIN = 30, 230, 250, 16
COLOURS = {
    Effect.ALLOWED: "#2e7d32",
    Effect.EXPLICIT_DENY: "#c62828",
    Effect.IMPLICIT_DENY: "#cfd8dc",
}
MEANINGS = {
    Effect.ALLOWED: "allowed",
    Effect.EXPLICIT_DENY: "denied by a statement",
    Effect.IMPLICIT_DENY: "allowed by none",
}


def write_picture(path: Path, matrix: Matrix) -> None:
    """Write the matrix as SVG; each cell's tooltip names the statement that decided."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(_lines(matrix)) + "\n")


def _lines(matrix: Matrix) -> Iterator[str]:
    width = LEFT + CELL * len(matrix.titles) + 150
    height = TOP + CELL * len(matrix.rows) + 60
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
        f' height="{height}" font-family="system-ui, sans-serif" font-size="13">'
    )
    yield f'<rect width="{width}" height="{height}" fill="white"/>'
    for number, title in enumerate(map(column_title, matrix.titles)):
        x, y = LEFT + CELL * number + CELL * 0.6, TOP - 10
        yield f'<text transform="translate({x} {y}) rotate(-55)">{escape(title)}</text>'
    for number, row in enumerate(matrix.rows):
        y = TOP + CELL * number
        yield (
            f'<text x="{LEFT - 10}" y="{y + CELL * 0.65}" text-anchor="end">'
            f"{escape(row.subject.name)}</text>"
        )
        for column, cell in enumerate(row.cells):
            yield _square(LEFT + CELL * column, y, cell)
    yield from _legend(height - MARGIN - 10)
    yield "</svg>"


def _square(x: float, y: float, cell: Cell) -> str:
    """Denied or allowed, by colour and by mark; a heavy frame where the config says otherwise."""
    decision = cell.decision
    mark = {Effect.ALLOWED: "✓", Effect.EXPLICIT_DENY: "×"}.get(decision.effect, "")
    frame = "" if cell.as_expected else ' stroke="#ff6f00" stroke-width="4"'
    tooltip = f"{cell.question.title}: {decision.effect.value}"
    if decision.statement:
        tooltip += f" by {decision.statement}"
    return (
        f'<g><title>{escape(tooltip)}</title><rect x="{x + 1}" y="{y + 1}" width="{CELL - 2}"'
        f' height="{CELL - 2}" rx="4" fill="{COLOURS[decision.effect]}"{frame}/>'
        f'<text x="{x + CELL / 2}" y="{y + CELL * 0.66}" text-anchor="middle" fill="white">'
        f"{mark}</text></g>"
    )


def _legend(y: float) -> Iterator[str]:
    for number, effect in enumerate(Effect):
        x = LEFT + 160 * number
        yield (
            f'<rect x="{x}" y="{y - 12}" width="16" height="16" rx="3" fill="{COLOURS[effect]}"/>'
            f'<text x="{x + 22}" y="{y + 1}">{MEANINGS[effect]}</text>'
        )

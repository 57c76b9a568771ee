"""Reads CSV: rows of numbers, without a header and without quotes."""

import numpy as np

from training.linear_learner.model import Float32Array
from training.linear_learner.wire.rows import GREATEST, RowError


def read_rows(data: bytes, skip: int = 0) -> Float32Array:
    """Float32 of shape (n, d); blank lines and the first ``skip`` columns are left out.

    Raises:
        RowError: there are no rows; or names row and column of the first cell that is not a finite
            number, or the row that is not as wide as the first.
    """
    rows: list[list[float]] = []
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip():
            continue
        rows.append(_read_line(line, skip, number))
        width, expected = skip + len(rows[-1]), skip + len(rows[0])
        if width != expected:
            raise RowError(f"row {number}: {width} columns; the first row has {expected}")
    if not rows:
        raise RowError("no rows")
    return np.array(rows, np.float32)


def _read_line(line: bytes, skip: int, number: int) -> list[float]:
    cells = line.split(b",")[skip:]
    if not cells:
        raise RowError(f"row {number}: no column after the first {skip}")
    try:
        numbers = [float(cell) for cell in cells]
    except ValueError:
        numbers = []
    if numbers and all(-GREATEST <= value <= GREATEST for value in numbers) and b"_" not in line:
        return numbers
    column, cell = next((i, cell) for i, cell in enumerate(cells, 1) if not _is_number(cell))
    text = cell.decode(errors="replace")
    raise RowError(f"row {number}, column {skip + column}: {text!r} is not a number")


def _is_number(cell: bytes) -> bool:
    try:
        return b"_" not in cell and abs(float(cell)) <= GREATEST
    except ValueError:
        return False

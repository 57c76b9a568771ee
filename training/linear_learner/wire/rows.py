"""Rows of numbers: from CSV text or from single rows to one array, and what is said of bad ones."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from training.linear_learner.model import Float32Array
from training.linear_learner.wire.recordio import Tensor


class RequestError(ValueError):
    """A request that the container answers with an error, or with nothing.

    Attributes
    ----------
    status
        The HTTP status.
    message
        The body of the answer, as the service's container gives it: the client sees it
        inside a ModelError.
    detail
        What was wrong; the container says it in its log only.
    """

    def __init__(self, status: int, message: str, detail: str = "") -> None:
        super().__init__(detail or message)
        self.status = status
        self.message = message
        self.detail = detail

    @classmethod
    def not_evaluable(cls, detail: str) -> "RequestError":
        """A body that is not what its content type says, or does not fit the model."""
        return cls(400, "unable to evaluate payload provided", detail)


class DataError(ValueError):
    """A file of a training channel that cannot be read; names file, row and column."""


MAXIMUM_CELLS = 1 << 26
"""Sparse rows are refused that have more cells than this once they are dense (256 MiB)."""

GREATEST = float(np.finfo(np.float32).max)
"""What a float32 holds at most; greater numbers are refused like infinite ones."""

_NUMBERS = (int, float)


class RowError(ValueError):
    """The rows are not a table of finite numbers."""


def table(rows: list[list[Any]]) -> Float32Array:
    """Float32 of shape (n, d) from rows of numbers.

    Raises
    ------
    RowError
        Rows of different widths, without cells, or with cells that are no finite numbers.
    """
    if not rows:
        raise RowError("no rows")
    for number, row in enumerate(rows, 1):
        if type(row) is not list or not row:
            raise RowError(f"row {number} is not a list of numbers")
        if len(row) != len(rows[0]):
            raise RowError(f"row {number} has {len(row)} cells; the first has {len(rows[0])}")
        for column, cell in enumerate(row, 1):
            if type(cell) not in _NUMBERS or not -GREATEST <= cell <= GREATEST:
                raise RowError(f"row {number}, column {column} is not a finite number")
    return np.array(rows, np.float32)


def dense(tensors: Sequence[Tensor]) -> Float32Array:
    """Float32 of shape (n, d) from dense or sparse tensors.

    Raises
    ------
    RowError
        Tensors of different widths, too large, with keys outside their shape, or with
        values that are not finite.
    """
    widths = {_width(tensor, number) for number, tensor in enumerate(tensors, 1)}
    if len(widths) != 1:
        raise RowError(f"rows of different widths: {sorted(widths)[:10]}")
    width = widths.pop()
    if width < 1:
        raise RowError("rows without cells")
    given = sum(len(tensor.values) for tensor in tensors)
    if width * len(tensors) > max(MAXIMUM_CELLS, given):
        raise RowError(
            f"{len(tensors)} rows of {width} cells are too many to make dense: at most "
            f"{MAXIMUM_CELLS} cells"
        )
    rows = np.zeros((len(tensors), width), np.float32)
    for row, tensor in zip(rows, tensors, strict=True):
        if tensor.keys:
            row[list(tensor.keys)] = tensor.values
        elif len(tensor.values):
            row[:] = tensor.values
    if not np.isfinite(rows).all():
        row, column = np.argwhere(~np.isfinite(rows))[0] + 1
        raise RowError(f"row {row}, column {column} is not a finite number")
    return rows


def _width(tensor: Tensor, number: int) -> int:
    if not tensor.keys and len(tensor.values):
        return len(tensor.values)
    if len(tensor.shape) != 1:
        raise RowError(f"row {number} is sparse; it needs a shape of one number")
    if len(tensor.keys) != len(tensor.values):
        raise RowError(f"row {number} has {len(tensor.keys)} keys, {len(tensor.values)} values")
    if not all(0 <= key < tensor.shape[0] for key in tensor.keys):
        raise RowError(f"row {number} has keys outside its shape [{tensor.shape[0]}]")
    return tensor.shape[0]


def read_rows(data: bytes, skip: int = 0) -> Float32Array:
    """Float32 of shape (n, d); blank lines and the first ``skip`` columns are left out.

    Raises
    ------
    RowError
        There are no rows; or names row and column of the first cell that is not a finite
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
    wrong = next(((i, cell) for i, cell in enumerate(cells, 1) if not _is_number(cell)), None)
    if wrong is None:
        return numbers  # the _ stands in a column that is left out
    column, cell = wrong
    text = cell.decode(errors="replace")
    raise RowError(f"row {number}, column {skip + column}: {text!r} is not a number")


def _is_number(cell: bytes) -> bool:
    try:
        return b"_" not in cell and abs(float(cell)) <= GREATEST
    except ValueError:
        return False

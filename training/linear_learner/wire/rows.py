"""Puts the values of single rows together to one array."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from training.linear_learner.model import Float32Array
from training.linear_learner.wire.recordio import Tensor

MAXIMUM_CELLS = 1 << 26
"""Sparse rows are refused that have more cells than this once they are dense (256 MiB)."""

GREATEST = float(np.finfo(np.float32).max)
"""What a float32 holds at most; greater numbers are refused like infinite ones."""

_NUMBERS = (int, float)


class RowError(ValueError):
    """The rows are not a table of finite numbers."""


def table(rows: list[list[Any]]) -> Float32Array:
    """Float32 of shape (n, d) from rows of numbers.

    Raises:
        RowError: rows of different widths, without cells, or with cells that are no finite numbers.
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

    Raises:
        RowError: tensors of different widths, too large, with keys outside their shape, or with
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

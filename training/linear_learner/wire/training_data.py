"""Reads the files of a training channel."""

import io

import numpy as np

from training.linear_learner.dataset import Dataset
from training.linear_learner.model import Float32Array
from training.linear_learner.wire.errors import DataError
from training.linear_learner.wire.recordio import Record, RecordError, read_records
from training.linear_learner.wire.rows import RowError, dense, finite


def read_training_csv(data: bytes, name: str) -> Dataset:
    """Reads CSV without a header, the label in the first column; ``name`` is the file's.

    Raises:
        DataError: names the file, row and column of the first cell that is not a finite number, or
            the row that is not as wide as the first.
    """
    try:
        table = np.loadtxt(io.BytesIO(data), delimiter=",", comments=None, ndmin=2)
    except ValueError as error:
        _raise_first_fault(data, name)
        raise DataError(f"{name}: {error}") from error
    with np.errstate(over="ignore"):
        cells: Float32Array = table.astype(np.float32)
    if cells.size == 0:
        raise DataError(f"{name}: no rows")
    if cells.shape[1] < 2:
        raise DataError(f"{name}: one column; a label and at least one feature are needed")
    if not np.isfinite(cells).all():
        _raise_first_fault(data, name)
        raise DataError(f"{name}: a value is not a finite number")
    return Dataset(np.ascontiguousarray(cells[:, 1:]), np.ascontiguousarray(cells[:, 0]))


def read_training_recordio(data: bytes, name: str) -> Dataset:
    """Reads RecordIO-protobuf: the feature ``values`` and the label ``values`` of each record.

    Raises:
        DataError: names the file, and the record where one is at fault.
    """
    try:
        records = list(read_records(data))
    except RecordError as error:
        raise DataError(f"{name}: {error}") from error
    if not records:
        raise DataError(f"{name}: no records")
    labels = [_label(record, name, number) for number, record in enumerate(records, 1)]
    try:
        features = dense([record.features["values"] for record in records])
        return Dataset(features, finite(np.array(labels, np.float32)[:, None])[:, 0])
    except RowError as error:
        raise DataError(f"{name}: {error}") from error


def _label(record: Record, name: str, number: int) -> float:
    if "values" not in record.features:
        raise DataError(f"{name}, record {number}: no feature named 'values'")
    if "values" not in record.label or record.label["values"].values.shape != (1,):
        raise DataError(f"{name}, record {number}: no label 'values' of one number")
    return float(record.label["values"].values[0])


def _raise_first_fault(data: bytes, name: str) -> None:
    """Goes through the cells one by one, to say which one cannot be read."""
    width = 0
    for row, line in enumerate(data.decode(errors="replace").splitlines(), 1):
        cells = line.split(",")
        if not line.strip():
            continue
        for column, cell in enumerate(cells, 1):
            if not _is_finite_float32(cell):
                raise DataError(f"{name}, row {row}, column {column}: {cell!r} is not a number")
        width = width or len(cells)
        if len(cells) != width:
            raise DataError(f"{name}, row {row}: {len(cells)} columns; the first has {width}")


def _is_finite_float32(cell: str) -> bool:
    try:
        with np.errstate(over="ignore"):
            return bool(np.isfinite(np.float32(float(cell)))) and "_" not in cell
    except ValueError:
        return False

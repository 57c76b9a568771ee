"""Reads the files of a training channel."""

import io
import math

import numpy as np

from training.linear_learner.model import Dataset, Float32Array
from training.linear_learner.wire.recordio import Record, RecordError, read_records
from training.linear_learner.wire.rows import DataError, RowError, dense, read_rows


def read_training_csv(data: bytes, name: str) -> Dataset:
    """Reads CSV without a header, the label in the first column; ``name`` is the file's.

    Raises
    ------
    DataError
        Names the file, row and column of the first cell that is not a finite number, or
        the row that is not as wide as the first.
    """
    if not data.strip():
        raise DataError(f"{name}: no rows")
    cells = _read_at_once(data)
    if cells is None:
        try:
            cells = read_rows(data)
        except RowError as error:
            raise DataError(f"{name}, {error}") from error
    if cells.shape[1] < 2:
        raise DataError(f"{name}: one column; a label and at least one feature are needed")
    return Dataset(np.ascontiguousarray(cells[:, 1:]), np.ascontiguousarray(cells[:, 0]))


def read_training_recordio(data: bytes, name: str) -> Dataset:
    """Reads RecordIO-protobuf: the feature ``values`` and the label ``values`` of each record.

    Raises
    ------
    DataError
        Names the file, and the record where one is at fault.
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
    except RowError as error:
        raise DataError(f"{name}: {error}") from error
    return Dataset(features, np.array(labels, np.float32))


def _label(record: Record, name: str, number: int) -> float:
    if "values" not in record.features:
        raise DataError(f"{name}, record {number}: no feature named 'values'")
    if "values" not in record.label or record.label["values"].values.shape != (1,):
        raise DataError(f"{name}, record {number}: no label 'values' of one number")
    label = float(record.label["values"].values[0])
    if not math.isfinite(label):
        raise DataError(f"{name}, record {number}: the label {label} is not a finite number")
    return label


def _read_at_once(data: bytes) -> Float32Array | None:
    """The table, read by numpy; None where it cannot, or where a cell is not a finite float32."""
    try:
        table = np.loadtxt(io.BytesIO(data), delimiter=",", comments=None, ndmin=2)
    except ValueError:
        return None
    with np.errstate(over="ignore"):
        cells: Float32Array = table.astype(np.float32)
    return cells if np.isfinite(cells).all() else None

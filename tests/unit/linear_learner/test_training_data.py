"""The files of a training channel: rows with labels, or the place of the first fault."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.linear_learner.wire import DataError, read_training_csv, read_training_recordio
from training.linear_learner.wire.recordio import Record, Tensor, write_record


def record(label: list[float], *features: float) -> bytes:
    def tensor(values: list[float]) -> Tensor:
        return Tensor(np.array(values, np.float32))

    return write_record(Record({"values": tensor([*features])}, {"values": tensor(label)}))


def test_the_first_column_of_a_csv_file_is_the_label() -> None:
    data = read_training_csv(b"9,1,2\n8,3,4\n", "train.csv")
    assert data.labels.tolist() == [9, 8]
    assert data.features.tolist() == [[1, 2], [3, 4]]
    assert data.labels.dtype == np.float32
    assert data.features.dtype == np.float32


@pytest.mark.parametrize("text", [b"9,1,2\r\n8,3,4\r\n", b"9,1,2\n\n8,3,4", b" 9 , 1,2\n8,3,4 "])
def test_line_ends_and_blanks_do_not_matter(text: bytes) -> None:
    assert read_training_csv(text, "train.csv").features.tolist() == [[1, 2], [3, 4]]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"1,2,3\n4,five,6\n", "train.csv, row 2, column 2: 'five' is not a number"),
        (b"price,size\n1,2\n", "train.csv, row 1, column 1: 'price' is not a number"),
        (b"1,2\n3,\n", "train.csv, row 2, column 2: '' is not a number"),
        (b"1,2\n3,nan\n", "train.csv, row 2, column 2: 'nan' is not a number"),
        (b"inf,2\n", "train.csv, row 1, column 1: 'inf' is not a number"),
        (b"1,2\n1,1e39\n", "train.csv, row 2, column 2: '1e39' is not a number"),
        (b"1,2,3\n4,5\n", "train.csv, row 2: 2 columns; the first row has 3"),
        (b"1,1_000\n", "train.csv, row 1, column 2: '1_000' is not a number"),
        (b"1,0x10\n", "train.csv, row 1, column 2: '0x10' is not a number"),
        (b"1,#2\n", "train.csv, row 1, column 2: '#2' is not a number"),
        (b'1,"2"\n', "train.csv, row 1, column 2: '\"2\"' is not a number"),
        (b"1\n2\n", "train.csv: one column; a label and at least one feature are needed"),
        (b"", "train.csv: no rows"),
        (b"\n \n", "train.csv: no rows"),
    ],
)
def test_a_csv_file_that_cannot_be_read_is_refused_with_the_place(text: bytes, fault: str) -> None:
    with pytest.raises(DataError) as refused:
        read_training_csv(text, "train.csv")
    assert str(refused.value) == fault


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for read in (read_training_csv, read_training_recordio):
        try:
            rows = read(data, "train")
        except DataError:
            continue
        assert np.isfinite(rows.features).all()


def test_a_recordio_file_holds_features_and_labels() -> None:
    data = read_training_recordio(record([9], 1, 2) + record([8], 3, 4), "train.rec")
    assert data.labels.tolist() == [9, 8]
    assert data.features.tolist() == [[1, 2], [3, 4]]


def test_a_recordio_file_of_dense_rows_may_be_larger_than_sparse_rows_may_become(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("training.linear_learner.wire.rows.MAXIMUM_CELLS", 3)
    data = read_training_recordio(record([9], 1, 2) + record([8], 3, 4), "train.rec")
    assert data.features.shape == (2, 2)


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (record([1], 1) + record([], 2), "train.rec, record 2: no label 'values' of one number"),
        (record([1, 2], 1), "train.rec, record 1: no label 'values' of one number"),
        (write_record(Record({}, {})), "train.rec, record 1: no feature named 'values'"),
        (record([1], 1) + record([1], 1, 2), "train.rec: rows of different widths: [1, 2]"),
        (record([1], float("nan")), "train.rec: row 1, column 1 is not a finite number"),
        (
            record([1], 1) + record([float("inf")], 1),
            "train.rec, record 2: the label inf is not a finite number",
        ),
        (
            record([1], 1) + struct.pack("<II", 0xCED7230A, 2) + b"\x0a\x01" + b"\0\0",
            "train.rec: the record at byte 48: a protobuf field is truncated",
        ),
        (record([1], 1)[:-4], "train.rec: the record at byte 0 is truncated"),
        (b"", "train.rec: no records"),
    ],
)
def test_a_recordio_file_that_cannot_be_read_is_refused_with_the_place(
    data: bytes, fault: str
) -> None:
    with pytest.raises(DataError) as refused:
        read_training_recordio(data, "train.rec")
    assert str(refused.value) == fault

"""RecordIO-protobuf, against the bytes of AWS's own SDK and against itself."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.linear_learner.wire.recordio import (
    Record,
    RecordError,
    Tensor,
    read_records,
    write_record,
)

NUMBERS = st.lists(st.floats(width=32, allow_nan=False), max_size=8)
ROW_OF_THE_SDK = bytes.fromhex(
    "0a23d7ce1c0000000a1a0a0676616c7565731210120e0a0c0000803f0000004000004040"
)
"""``write_numpy_to_dense_tensor`` of sagemaker 2 for the features [1, 2, 3]."""


def tensor(*values: float) -> Tensor:
    return Tensor(np.array(values, np.float32))


def frame(payload: bytes) -> bytes:
    return struct.pack("<II", 0xCED7230A, len(payload)) + payload + bytes(-len(payload) % 4)


def test_a_record_is_the_bytes_that_the_python_sdk_writes() -> None:
    assert write_record(Record({"values": tensor(1, 2, 3)}, {})) == ROW_OF_THE_SDK


@given(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=4))
def test_records_read_as_they_were_written(rows: list[tuple[list[float], list[float]]]) -> None:
    data = b"".join(
        write_record(Record({"values": tensor(*features)}, {"values": tensor(*label)}))
        for features, label in rows
    )
    read = [
        (record.features["values"].values.tolist(), record.label["values"].values.tolist())
        for record in read_records(data)
    ]
    assert read == rows


def test_a_sparse_tensor_has_keys_and_a_shape() -> None:
    packed = b"\x0a\x08" + struct.pack("<ff", 1.5, 2.5) + b"\x12\x02\x03\x01\x1a\x02\xac\x02"
    value = b"\x12" + bytes([len(packed)]) + packed
    entry = b"\x0a\x06values\x12" + bytes([len(value)]) + value
    (record,) = read_records(frame(b"\x0a" + bytes([len(entry)]) + entry))
    sparse = record.features["values"]
    assert (sparse.values.tolist(), sparse.keys, sparse.shape) == ([1.5, 2.5], (3, 1), (300,))


def test_numbers_that_are_not_packed_are_read_too() -> None:
    """Protobuf leaves the choice to the writer."""
    loose = b"\x0d" + struct.pack("<f", 1.5) + b"\x0d" + struct.pack("<f", 2.5)
    value = b"\x12" + bytes([len(loose)]) + loose
    entry = b"\x0a\x06values\x12" + bytes([len(value)]) + value
    (record,) = read_records(frame(b"\x0a" + bytes([len(entry)]) + entry))
    assert record.features["values"].values.tolist() == [1.5, 2.5]


def test_other_tensors_than_float32_are_refused() -> None:
    value = b"\x1a\x02\x0a\x00"  # a Float64Tensor
    entry = b"\x0a\x06values\x12" + bytes([len(value)]) + value
    with pytest.raises(RecordError, match="only float32 tensors are supported"):
        list(read_records(frame(b"\x0a" + bytes([len(entry)]) + entry)))


def test_a_truncated_file_is_refused_wherever_it_ends() -> None:
    for length in range(1, len(ROW_OF_THE_SDK)):
        with pytest.raises(RecordError):
            list(read_records(ROW_OF_THE_SDK[:length]))


@given(st.binary(max_size=60))
def test_any_payload_is_read_or_refused(payload: bytes) -> None:
    try:
        list(read_records(frame(payload)))
    except RecordError:
        return

"""MXNet's .params files."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from training.linear_learner.ndarrays import Array, NDArrayFileError, read_arrays, write_arrays

SHAPES = arrays.array_shapes(min_side=1, max_dims=3, max_side=4)
ARRAYS = SHAPES.map(lambda shape: np.arange(np.prod(shape), dtype=np.float32).reshape(shape))
NAMED_ARRAYS = st.dictionaries(st.text(max_size=8), ARRAYS, max_size=3)


@given(NAMED_ARRAYS)
def test_what_is_written_reads_the_same(named: dict[str, Array]) -> None:
    read = read_arrays(write_arrays(named))
    assert list(read) == list(named)
    for name, array in named.items():
        np.testing.assert_array_equal(read[name], array)


@given(NAMED_ARRAYS, st.data())
def test_a_truncated_file_is_refused(named: dict[str, Array], data: st.DataObject) -> None:
    file = write_arrays(named)
    with pytest.raises(NDArrayFileError):
        read_arrays(file[: data.draw(st.integers(0, len(file) - 1))])


@given(st.data())
def test_random_changes_are_refused_or_read(data: st.DataObject) -> None:
    file = bytearray(write_arrays({"weight": np.ones((2, 3), np.float32)}))
    for _ in range(data.draw(st.integers(1, 6))):
        file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    try:
        read_arrays(bytes(file))
    except NDArrayFileError:
        return


def test_announced_sizes_do_not_allocate_memory() -> None:
    header = struct.pack("<QQQ", 0x112, 0, 1) + struct.pack("<IiI", 0xF993FAC9, 0, 2)
    shape = struct.pack("<qq", 2**40, 2**40)
    with pytest.raises(NDArrayFileError, match="truncated"):
        read_arrays(header + shape + struct.pack("<iii", 1, 0, 0))


@pytest.mark.parametrize(
    ("version", "storage"), [(0xF993FAC8, b""), (0xF993FACA, struct.pack("<i", 0))]
)
def test_the_older_and_the_newer_version_are_read_too(version: int, storage: bytes) -> None:
    array = struct.pack("<I", version) + storage + struct.pack("<Iqiii", 1, 2, 1, 0, 1)
    values = struct.pack("<dd", 1.5, -2.5)
    names = struct.pack("<QQ", 1, 1) + b"a"
    read = read_arrays(struct.pack("<QQQ", 0x112, 0, 1) + array + values + names)
    assert read["a"].tolist() == [1.5, -2.5]


def test_a_sparse_array_is_refused() -> None:
    header = struct.pack("<QQQ", 0x112, 0, 1)
    with pytest.raises(NDArrayFileError, match="sparse arrays are not supported"):
        read_arrays(header + struct.pack("<Ii", 0xF993FAC9, 1))

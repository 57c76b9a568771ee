"""Reads and writes MXNet's ``.params`` files: a list of named arrays (dense, CPU, little-endian).

    file    = u64 0x112, u64 0, u64 n, n arrays, u64 n, n names
    array   = u32 magic, [i32 storage type, not in V1], shape, i32 device type, i32 device number,
              i32 element type, data
    shape   = u32 dimensions, i64 size of each
    name    = u64 length, UTF-8

The layout is that of ``NDArray::Save`` in MXNet 1.x (src/ndarray/ndarray.cc). V2 is what MXNet 1
writes, V1 what it wrote before it had sparse arrays, V3 what it writes with NumPy shapes.
"""

import math
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

_FILE_MAGIC = 0x112
_V1, _V2, _V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
_DENSE = 0
_CPU = 1
_ELEMENT_TYPES = {0: "<f4", 1: "<f8", 2: "<f2", 3: "u1", 4: "<i4", 5: "i1", 6: "<i8"}
_MAXIMUM_DIMENSIONS = 32

Array = NDArray[Any]


class NDArrayFileError(ValueError):
    """The bytes are not a list of arrays that can be read."""


def read_arrays(data: bytes) -> dict[str, Array]:
    """The named arrays of a ``.params`` file; memory stays within a small multiple of ``data``.

    Raises
    ------
    NDArrayFileError
        The file is truncated, sparse, unnamed, or not one of MXNet's.
    """
    reader = _Reader(data)
    if reader.unpack("Q") != _FILE_MAGIC:
        raise NDArrayFileError("not an MXNet parameter file")
    reader.unpack("Q")
    arrays = [_read_array(reader) for _ in range(reader.unpack("Q"))]
    names = [_read_name(reader) for _ in range(reader.unpack("Q"))]
    if len(set(names)) != len(arrays) or len(names) != len(arrays):
        raise NDArrayFileError(f"{len(arrays)} arrays with {len(set(names))} different names")
    return dict(zip(names, arrays, strict=True))


def write_arrays(arrays: Mapping[str, NDArray[np.float32]]) -> bytes:
    """The bytes that ``mx.nd.save`` of MXNet 1.x writes for named float32 arrays."""
    parts = [struct.pack("<QQQ", _FILE_MAGIC, 0, len(arrays))]
    for array in arrays.values():
        shape = struct.pack(f"<I{array.ndim}q", array.ndim, *array.shape)
        parts += [struct.pack("<Ii", _V2, _DENSE), shape, struct.pack("<iii", _CPU, 0, 0)]
        parts.append(array.astype("<f4").tobytes())
    parts.append(struct.pack("<Q", len(arrays)))
    for name in arrays:
        parts += [struct.pack("<Q", len(name.encode())), name.encode()]
    return b"".join(parts)


class _Reader:
    """A position in bytes that never moves past their end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def take(self, length: int) -> bytes:
        end = self._position + length
        if end > len(self._data):
            raise NDArrayFileError(
                f"truncated: {length} bytes are announced at byte {self._position} of "
                f"{len(self._data)}"
            )
        part = self._data[self._position : end]
        self._position = end
        return part

    def unpack(self, code: str) -> int:
        value: int = struct.unpack("<" + code, self.take(struct.calcsize("<" + code)))[0]
        return value


def _read_array(reader: _Reader) -> Array:
    version = reader.unpack("I")
    if version not in (_V1, _V2, _V3):
        raise NDArrayFileError(f"array version {version:#x} is not known")
    if version != _V1 and reader.unpack("i") != _DENSE:
        raise NDArrayFileError("sparse arrays are not supported")
    dimensions = reader.unpack("i")
    if not 0 < dimensions <= _MAXIMUM_DIMENSIONS:
        raise NDArrayFileError(f"an array of {dimensions} dimensions")
    shape = [reader.unpack("q") for _ in range(dimensions)]
    if min(shape) < 0:
        raise NDArrayFileError(f"an array of shape {shape}")
    reader.take(struct.calcsize("<ii"))  # the device it was saved from
    element_type = reader.unpack("i")
    if element_type not in _ELEMENT_TYPES:
        raise NDArrayFileError(f"element type {element_type} is not known")
    kind = np.dtype(_ELEMENT_TYPES[element_type])
    data = np.frombuffer(reader.take(math.prod(shape) * kind.itemsize), kind)
    return data.reshape(shape).copy()  # one object in memory, in place of three


def _read_name(reader: _Reader) -> str:
    try:
        return reader.take(reader.unpack("Q")).decode()
    except UnicodeDecodeError as error:
        raise NDArrayFileError(f"an array's name is not UTF-8: {error}") from error

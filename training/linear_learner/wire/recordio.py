"""RecordIO-protobuf: records of named tensors, one after the other.

file    = frames
frame   = u32 0xCED7230A, u32 length, payload, zeros up to a multiple of 4 bytes
payload = the protobuf message Record of https://docs.aws.amazon.com/sagemaker/latest/dg/
cdf-training.html: map<string, Value> features = 1, map<string, Value> label = 2
Value   = oneof: Float32Tensor = 2, Float64Tensor = 3, Int32Tensor = 7, Bytes = 9
Tensor  = repeated values = 1, repeated uint64 keys = 2, repeated uint64 shape = 3
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_MAGIC = 0xCED7230A
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FEATURES, _LABEL = 1, 2
_FLOAT32_TENSOR = 2


class RecordError(ValueError):
    """The bytes are not records of float32 tensors."""


@dataclass(frozen=True, eq=False)
class Tensor:
    """Dense where there are no keys; otherwise ``values[i]`` stands at position ``keys[i]``.

    ``shape`` is empty where the record does not say it.
    """

    values: NDArray[np.float32]
    keys: tuple[int, ...] = ()
    shape: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Record:
    """One row: tensors by name. Linear Learner's are ``values``."""

    features: Mapping[str, Tensor]
    label: Mapping[str, Tensor]


def read_records(data: bytes) -> Iterator[Record]:
    """The records of a body or file.

    Raises
    ------
    RecordError
        Truncated, not RecordIO, not protobuf, or with tensors other than float32.
    """
    position = 0
    while position < len(data):
        if position + 8 > len(data):
            raise RecordError(f"truncated at byte {position} of {len(data)}")
        magic, length = struct.unpack_from("<II", data, position)
        if magic != _MAGIC:
            raise RecordError(f"no record begins at byte {position}")
        if position + 8 + length > len(data):
            raise RecordError(f"the record at byte {position} is truncated")
        try:
            yield _record(data[position + 8 : position + 8 + length])
        except RecordError as error:
            raise RecordError(f"the record at byte {position}: {error}") from error
        position += 8 + (length + 3) // 4 * 4


def write_record(record: Record) -> bytes:
    """One frame; the tensors are written dense, by name in alphabetical order."""
    payload = _write_map(_FEATURES, record.features) + _write_map(_LABEL, record.label)
    padding = bytes(-len(payload) % 4)
    return struct.pack("<II", _MAGIC, len(payload)) + payload + padding


def _record(payload: bytes) -> Record:
    features: dict[str, Tensor] = {}
    label: dict[str, Tensor] = {}
    for number, value in _fields(payload):
        if number in (_FEATURES, _LABEL):
            name, tensor = _map_entry(_message(value))
            (features if number == _FEATURES else label)[name] = tensor
    return Record(features, label)


def _map_entry(data: bytes) -> tuple[str, Tensor]:
    name, tensor = "", None
    for number, value in _fields(data):
        if number == 1:
            name = _text(_message(value))
        elif number == 2:
            tensor = _value(_message(value))
    if tensor is None:
        raise RecordError(f"{name!r} has no tensor")
    return name, tensor


def _value(data: bytes) -> Tensor:
    for number, value in _fields(data):
        if number != _FLOAT32_TENSOR:
            raise RecordError("only float32 tensors are supported")
        return _tensor(_message(value))
    raise RecordError("a value without a tensor")


def _tensor(data: bytes) -> Tensor:
    values: list[NDArray[np.float32]] = []
    keys: list[int] = []
    shape: list[int] = []
    for number, value in _fields(data):
        if number == 1:
            values.append(_floats(value))
        elif number == 2:
            keys += _integers(value)
        elif number == 3:
            shape += _integers(value)
    joined = np.concatenate(values) if values else np.empty(0, np.float32)
    return Tensor(joined, tuple(keys), tuple(shape))


def _floats(value: int | bytes) -> NDArray[np.float32]:
    data = value if isinstance(value, bytes) else value.to_bytes(8, "little")[:4]
    if len(data) % 4:
        raise RecordError("float32 values that are not a multiple of 4 bytes")
    return np.frombuffer(data, "<f4")


def _integers(value: int | bytes) -> list[int]:
    if isinstance(value, int):
        return [value]
    integers, position = [], 0
    while position < len(value):
        integer, position = _varint(value, position)
        integers.append(integer)
    return integers


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a protobuf message, in their order: number, and integer or bytes.

    Raises
    ------
    RecordError
        The message is damaged.
    """
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            integer, position = _varint(data, position)
            yield number, integer
            continue
        if kind == _BYTES:
            length, position = _varint(data, position)
        elif kind in (_FIXED32, _FIXED64):
            length = 4 if kind == _FIXED32 else 8
        else:
            raise RecordError(f"protobuf wire type {kind} is not known")
        if position + length > len(data):
            raise RecordError("a protobuf field is truncated")
        yield number, data[position : position + length]
        position += length


def _varint(data: bytes, position: int) -> tuple[int, int]:
    if position < len(data) and data[position] < 0x80:
        return data[position], position + 1
    value = 0
    for shift in range(0, 64, 7):
        if position >= len(data):
            break
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise RecordError("a protobuf integer does not end")


def _message(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise RecordError("a number stands where a message is expected")
    return value


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise RecordError("a name is not UTF-8") from error


def _write_map(number: int, tensors: Mapping[str, Tensor]) -> bytes:
    entries = []
    for name in sorted(tensors):
        packed = tensors[name].values.astype("<f4").tobytes()
        tensor = _write_field(_FLOAT32_TENSOR, _write_field(1, packed))
        entries.append(
            _write_field(number, _write_field(1, name.encode()) + _write_field(2, tensor))
        )
    return b"".join(entries)


def _write_field(number: int, content: bytes) -> bytes:
    return _write_varint(number << 3 | _BYTES) + _write_varint(len(content)) + content


def _write_varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)

"""Requests and answers between localaws and a worker, on a socket.

A request is its size, the lengths of three texts, these, and a body; an answer the same with its
status in place of the first length.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import NamedTuple

HEAD = struct.Struct("<IHHH")


class Request(NamedTuple):
    """What a container is asked at /invocations."""

    content_type: str
    accept: str
    custom_attributes: str
    body: bytes

    def pack(self) -> bytes:
        """The bytes that ``Reader`` gives back as a frame."""
        lengths, texts = _encoded(*self[:3])
        return HEAD.pack(len(texts) + len(self.body), *lengths) + texts + self.body

    @classmethod
    def unpack(cls, first: int, second: int, third: int, content: bytes) -> Request:
        """Read a frame."""
        one, two, three = first, first + second, first + second + third
        return cls(
            content[:one].decode("latin-1"),
            content[one:two].decode("latin-1"),
            content[two:three].decode("latin-1"),
            content[three:],
        )


@lru_cache(maxsize=256)
def _encoded(*texts: str) -> tuple[tuple[int, ...], bytes]:
    """The lengths of texts, and these together; most requests have the same."""
    encoded = [text.encode("latin-1", "replace") for text in texts]
    return tuple(map(len, encoded)), b"".join(encoded)


class Answer(NamedTuple):
    """What a container answers."""

    status: int
    content_type: str
    custom_attributes: str
    body: bytes

    def pack(self) -> bytes:
        """The bytes that ``Reader`` gives back as a frame."""
        lengths, texts = _encoded(*self[1:3])
        return HEAD.pack(len(texts) + len(self.body), self.status, *lengths) + texts + self.body

    @classmethod
    def unpack(cls, status: int, second: int, third: int, content: bytes) -> Answer:
        """Read a frame."""
        end = second + third
        texts = content[:second].decode("latin-1"), content[second:end].decode("latin-1")
        return cls(status, *texts, content[end:])


class Reader:
    """Takes bytes as they arrive, gives whole frames: three numbers and the content."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, int, int, bytes]]:
        """The frames that these bytes complete."""
        frames = []
        if not self._data and len(data) >= HEAD.size:  # Nearly always: one whole frame.
            size, first, second, third = HEAD.unpack_from(data)
            if len(data) == HEAD.size + size:
                return [(first, second, third, bytes(data[HEAD.size :]))]
        self._data += data
        start = 0
        while len(self._data) - start >= HEAD.size:
            size, first, second, third = HEAD.unpack_from(self._data, start)
            end = start + HEAD.size + size
            if len(self._data) < end:
                break
            frames.append((first, second, third, bytes(self._data[start + HEAD.size : end])))
            start = end
        del self._data[:start]
        return frames

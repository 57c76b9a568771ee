"""The pipe of a container's lines, and its end."""

import asyncio
import os

import pytest
import uvloop

from localaws.containers.worker import PipeEnd, connect_log


class Raced(PipeEnd):
    """Another thread opens a file the moment before the loop closes the end."""

    opened = -1

    def close(self) -> None:
        self.opened = os.open(os.devnull, os.O_RDONLY)
        super().close()


async def closed_by_the_container() -> Raced:
    loop = asyncio.get_running_loop()
    reader, writer = os.pipe()
    pipe = Raced(reader, loop)
    lines: list[str] = []
    await connect_log(loop, pipe, lambda *line: lines.extend(map(str, line)))
    os.write(writer, b"line\n")
    os.close(writer)
    while pipe.opened < 0:
        await asyncio.sleep(0.001)
    assert any("line" in line for line in lines)
    return pipe


def test_the_end_is_closed_once_on_uvloop() -> None:
    pipe = uvloop.run(closed_by_the_container())
    assert pipe.opened == pipe.fileno(), "libuv has closed the number, and it is given anew"
    os.close(pipe.opened)


def test_the_end_is_closed_on_asyncio() -> None:
    pipe = asyncio.run(closed_by_the_container())
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(pipe.fileno())
    os.close(pipe.opened)

"""botocore's files, megabytes of JSON, parsed once a process: each session would do it anew."""

from functools import cache
from typing import Any

from botocore.loaders import JSONFileLoader

_read = JSONFileLoader().load_file


@cache
def _read_once(path: str) -> Any:
    return _read(path)


def read_once() -> None:
    """Let all sessions of this process, and of those forked from it, share what was read."""
    JSONFileLoader.load_file = lambda self, file_path: _read_once(file_path)  # type: ignore[method-assign]

"""Files in the container."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sagemaker_containers import _env


def write_success_file() -> None:
    """Say that training went well."""
    write_file(str(Path(_env.output_dir, "success")), "")


def write_failure_file(failure_msg: str) -> None:
    """Say why training failed; the text becomes the job's FailureReason."""
    write_file(str(Path(_env.output_dir, "failure")), failure_msg)


def write_file(path: str, data: str, mode: str = "w") -> None:
    """Write text to a file."""
    with Path(path).open(mode) as file:
        file.write(data)


def read_file(path: str, mode: str = "r") -> Any:
    """The contents of a file."""
    with Path(path).open(mode) as file:
        return file.read()


def read_json(path: str) -> Any:
    """The contents of a JSON file."""
    return json.loads(Path(path).read_text())


@contextmanager
def tmpdir(suffix: str = "", prefix: str = "tmp", dir: str | None = None) -> Iterator[str]:
    """A folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(suffix=suffix, prefix=prefix, dir=dir) as folder:
        yield folder

"""``housing`` as processes of their own, forked from one that has imported what takes a second.

Commands whose start, signals or terminal are the point of a test are started as a person does it.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from tempfile import TemporaryDirectory

from localaws.testing import LocalAws
from tests.local.processes import PROCESSES

ROOT = Path(__file__).parents[2]
STREAMS = (("stdin", os.O_RDONLY), ("stdout", os.O_WRONLY), ("stderr", os.O_WRONLY))
"""Of each process, as files: 0, 1 and 2."""


def housing(
    aws: LocalAws, *line: str, folder: Path = ROOT, answer: str = ""
) -> "CompletedProcess[str]":
    """Run ``housing`` with these arguments in a folder; ``answer`` is what a person types."""
    with TemporaryDirectory() as directory:
        files = [Path(directory) / name for name, _ in STREAMS]
        for file, text in zip(files, (answer, "", ""), strict=True):
            file.write_text(text, encoding="utf-8")
        process = PROCESSES.Process(target=_run, args=(line, folder, aws.environment, files))
        process.start()
        process.join()
        _, output, errors = (file.read_text(encoding="utf-8") for file in files)
    assert process.exitcode is not None
    return CompletedProcess(line, process.exitcode, output, errors)


def succeed(aws: LocalAws, *line: str, folder: Path = ROOT, answer: str = "") -> str:
    """All that a ``housing`` wrote that succeeds.

    Raises
    ------
    AssertionError
        It failed; the message shows what it wrote.
    """
    done = housing(aws, *line, folder=folder, answer=answer)
    written = done.stdout + done.stderr
    assert done.returncode == 0, written
    return written


def _run(
    line: Sequence[str], folder: Path, environment: Mapping[str, str], files: Sequence[Path]
) -> None:
    """In the new process."""
    for number, (file, (_, flags)) in enumerate(zip(files, STREAMS, strict=True)):
        os.dup2(os.open(file, flags), number)
    sys.stdin = os.fdopen(0, encoding="utf-8")
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    from scripts.housing import main

    main(line)

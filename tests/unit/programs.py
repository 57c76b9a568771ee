"""Python programs, forked from a process that has imported what takes seconds, scikit-learn say."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from localaws.containers.process_host import ProcessHost
from localaws.processes.client import Process
from localaws.processes.launch import Launch


@dataclass(frozen=True)
class Program:
    """One that was started, and the file that takes all that it writes."""

    process: Process
    written: IO[bytes]

    def end(self) -> tuple[int | None, str]:
        """Its exit code, None when it runs on, and what it wrote."""
        code = self.process.wait(120)
        with self.written:
            self.written.seek(0)
            return code, self.written.read().decode()


def start_program(
    host: ProcessHost, script: Path, folder: Path, environment: Mapping[str, str]
) -> Program:
    """Run a script in a folder, as ``python script`` does, with these variables alone."""
    written = TemporaryFile()  # noqa: SIM115 - until its end is asked for
    launch = Launch([str(script)], environment, str(folder), sys.executable, warm=True)
    with Path(os.devnull).open("rb") as nothing:
        descriptors = [nothing.fileno(), written.fileno(), written.fileno()]
        return Program(host.processes.starter.launch(launch, descriptors), written)

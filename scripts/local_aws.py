"""Starts and stops an AWS of its own for the demo, through the command line of localaws."""

import os
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fleet.errors import HousingError
from fleet.project import spelled


class LocalAwsError(HousingError):
    """localaws did not start; the text is what it said."""


@dataclass(frozen=True)
class LocalAws:
    """A localaws with its state in a folder of its own."""

    state_directory: Path

    def start(self, *, keep: bool) -> None:
        """Start it on a free port and make it the AWS of this process and of those it starts.

        It ends with this process, even one that is killed, unless it is to be kept.
        """
        until = [] if keep else ["--while", str(os.getpid())]
        _localaws("start", self.state_directory, "--port", str(_free_port()), *until)
        choose(parse_environment(_localaws("env", self.state_directory)))

    def remove(self) -> None:
        """Stop the server, if it runs, and remove its state."""
        if any(self.state_directory.iterdir()):
            _localaws("reset", self.state_directory)
        shutil.rmtree(self.state_directory, ignore_errors=True)

    @property
    def shell_command(self) -> str:
        """What a user types to go on with it."""
        return f'eval "$({spelled(f"localaws env --state-dir {self.state_directory}")})"'

    @property
    def stop_command(self) -> str:
        """What a user types to end it and remove its state."""
        return spelled(f"localaws reset --state-dir {self.state_directory}")


def choose(variables: Mapping[str, str | None]) -> None:
    """Set these variables in the environment of this process; None removes one."""
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def parse_environment(lines: str) -> dict[str, str | None]:
    """The variables that lines of ``export NAME=value`` and ``unset NAME ...`` set or remove."""
    environment: dict[str, str | None] = {}
    for line in lines.splitlines():
        match shlex.split(line):
            case ["export", *assignments]:
                pairs = (assignment.partition("=") for assignment in assignments)
                environment |= {name: value for name, _, value in pairs}
            case ["unset", *names]:
                environment |= dict.fromkeys(names)
    return environment


def _free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
        return port


def _localaws(command: str, directory: Path, *options: str) -> str:
    completed = subprocess.run(
        [sys.executable, "-m", "localaws", command, "--state-dir", str(directory), *options],
        capture_output=True,
        text=True,
    )
    if completed.returncode:
        raise LocalAwsError((completed.stderr or completed.stdout).strip())
    return completed.stdout

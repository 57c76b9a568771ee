"""A pseudo-terminal for the commands that people run, and what it shows at last."""

import os
import pty
import re
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fcntl import ioctl
from pathlib import Path

LINES = 40
_CONTROL = re.compile(r"\x1b\[[0-9;?]*([A-Za-z])")


@dataclass(frozen=True)
class Shown:
    """How a command ended, and all that it wrote to its terminal."""

    status: int
    text: str

    @property
    def plain(self) -> str:
        """All of it without control sequences, what was overwritten included."""
        return _CONTROL.sub("", self.text).replace("\r\n", "\n")

    @property
    def lines(self) -> list[str]:
        """What is left on an endless screen, in colours: spinners and progress are gone."""
        screen = [""]
        row = 0
        for part in re.split(r"(\x1b\[[0-9;?]*[A-Za-z]|[\r\n])", self.text):
            control = _CONTROL.fullmatch(part)
            if part == "\n":
                row += 1
                screen += [""] * (row + 1 - len(screen))
            elif control and control[1] == "A":
                row = max(0, row - 1)
            elif control and control[1] == "K":
                screen[row] = ""
            elif control is None or control[1] == "m":
                screen[row] += part.replace("\r", "")
        return screen


def on_terminal(
    command: Sequence[str],
    columns: int,
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    interrupt_at: str | None = None,
) -> Shown:
    """Run a command on a pseudo-terminal of this width.

    Parameters
    ----------
    command
        Program and arguments.
    columns
        Width of the terminal.
    environment, folder
        Of the command; by default those of this process, without what would decide the width.
    interrupt_at
        Ctrl-C comes shortly after this text was written.
    """
    parent, child = pty.openpty()
    ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, columns, 0, 0))
    variables = dict(os.environ if environment is None else environment)
    for name in ("COLUMNS", "LINES"):
        variables.pop(name, None)
    process = subprocess.Popen(
        command,
        stdin=child,
        stdout=child,
        stderr=child,
        env={**variables, "TERM": variables.get("TERM") or "xterm-256color"},
        cwd=folder,
        start_new_session=True,
    )
    os.close(child)
    written = b""
    try:
        while part := _read(parent):
            written += part
            if interrupt_at and interrupt_at.encode() in written:
                interrupt_at = None
                time.sleep(0.2)
                process.send_signal(signal.SIGINT)
    finally:
        os.close(parent)
    return Shown(process.wait(60), written.decode("utf-8", "replace"))


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the command has closed it
        return b""

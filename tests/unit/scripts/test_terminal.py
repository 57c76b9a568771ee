"""What people see: nothing is cut off at any width, in pipes, without UTF-8 and without colour."""

import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from fcntl import ioctl
from pathlib import Path

import pytest

from scripts.housing import COMMANDS as COMMAND_NAMES
from tests.unit.fleet.access.templates import write_assembly, write_config

COLUMNS = ["city", "year built", "square feet", "front porch", "predicted price $", "serves"]
ROWS = [
    ["NewYork_NY", "1988", "3,040.78", "y", "1,317,926", "NewYork_NY/NewYork_NY-v12.tar.gz"],
    ["São Paulo", "2001", "2,000", "n", "625,817", "Sao_Paulo/Sao_Paulo.tar.gz"],
]
PROGRAM = f"""
import time
from fleet.console import Console
from scripts.command import main, make_command
@make_command("x")
def command():
    console = Console()
    console.table("Prices [of] houses", {COLUMNS!r}, {ROWS!r})
    with console.step("wait [a] while") as step:
        step.detail = "3 models"
        {{wait}}
import sys; sys.argv[1:] = []
main(command, "x")
"""


def on_terminal(
    columns: int,
    wait: str = "pass",
    interrupt: bool = False,
    program: str | None = None,
    **variables: str,
) -> tuple[int, str]:
    """Exit status and text of the program on a pseudo-terminal of this width."""
    parent, child = pty.openpty()
    ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "NO_COLOR")}
    environment |= {"TERM": "xterm-256color", "PYTHONUTF8": "1", **variables}
    process = subprocess.Popen(
        [sys.executable, "-c", program or PROGRAM.format(wait=wait)],
        stdin=child, stdout=child, stderr=child, env=environment, start_new_session=True,
    )  # fmt: skip
    os.close(child)
    text = b""
    sent = False
    while True:
        try:
            part = os.read(parent, 65536)
        except OSError:  # the child has closed the terminal
            break
        if not part:
            break
        text += part
        if interrupt and not sent and b"wait" in text:
            time.sleep(0.2)
            process.send_signal(signal.SIGINT)
            sent = True
    os.close(parent)
    return process.wait(30), text.decode("utf-8", "replace")


def plain(text: str) -> str:
    """Without the terminal's control sequences."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


@pytest.mark.parametrize("columns", [20, 60, 80, 120, 200])
def test_no_cell_is_cut_off_at_any_width(columns: int) -> None:
    status, text = on_terminal(columns)
    shown = plain(text)
    assert status == 0
    assert "…" not in shown
    for cell in (*COLUMNS, *ROWS[0], *ROWS[1]):
        assert cell in shown


def test_a_wide_terminal_has_a_drawn_table_and_a_narrow_one_a_line_a_cell() -> None:
    assert "│" in on_terminal(200)[1]
    assert "│" not in on_terminal(60)[1]


def test_without_colour_there_is_none() -> None:
    assert "\x1b[1m" in on_terminal(200)[1]
    assert not re.search(
        r"\x1b\[[0-9;]*[1-9][0-9]*m", on_terminal(200, NO_COLOR="1", TERM="dumb")[1]
    )


def test_ctrl_c_ends_in_one_line_and_status_130() -> None:
    status, text = on_terminal(80, wait="time.sleep(30)", interrupt=True)
    assert status == 130
    assert "Traceback" not in text
    assert plain(text).strip().splitlines()[-1].strip() == "python -m scripts.x: interrupted"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_in_a_pipe_of_any_encoding_everything_is_there(encoding: str) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(wait="pass")], capture_output=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    shown = done.stdout.decode(encoding)
    assert "\x1b" not in shown
    for cell in (*COLUMNS, *ROWS[0], *ROWS[1][1:]):
        assert cell in shown
    assert ("S\\xe3o Paulo" if encoding == "ascii" else "São Paulo") in shown


EVERY_HELP = """
import click, io, sys
from scripts.command import prepare_process, run
from scripts.housing import COMMANDS, command
prepare_process()
def visit(group, path):
    for name in group.list_commands(click.Context(group)):
        found = group.get_command(click.Context(group), name)
        print(">>>", *path, name)
        assert run(command, "housing", [*path, name, "--help"]) == 0
        if isinstance(found, click.Group):
            visit(found, [*path, name])
visit(command, [])
"""


@pytest.mark.parametrize(
    ("columns", "variables"),
    [
        (60, {}),
        (80, {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
        (200, {"NO_COLOR": "1", "PYTHONIOENCODING": "ascii"}),
    ],
)
def test_the_help_of_every_command_is_whole(columns: int, variables: dict[str, str]) -> None:
    status, text = on_terminal(columns, "pass", False, EVERY_HELP, **variables)
    shown = plain(text)
    assert status == 0, shown
    assert "Traceback" not in shown
    assert "…" not in shown
    helps = [part for part in shown.split(">>> ")[1:] if part.strip()]
    names = {part.split()[0] for part in helps}
    assert names == set(COMMAND_NAMES)
    assert all("--help" in part for part in helps)


def test_the_access_matrix_has_signs_that_the_stream_can_write(tmp_path: Path) -> None:
    program = (
        "import sys; from scripts.housing import main; main(['access-check', '--templates', "
        f"{str(write_assembly(tmp_path))!r}, '--config', {str(write_config(tmp_path))!r}])"
    )
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert "+ allowed  x denied by a statement  . allowed by none" in done.stdout
    assert "\\u" not in done.stdout

"""What people see: nothing is cut off at any width, in pipes, without UTF-8 and without colour."""

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from localaws.testing.terminal import Shown, on_terminal
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


def shown(columns: int, program: str, interrupt_at: str | None = None, **more: str) -> Shown:
    """What a Python program shows on a terminal of this width."""
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    environment |= {"PYTHONUTF8": "1", **more}
    command = [sys.executable, "-c", program]
    return on_terminal(command, columns, environment=environment, interrupt_at=interrupt_at)


@cache
def table(columns: int, **variables: str) -> Shown:
    """What the program above shows."""
    return shown(columns, PROGRAM.format(wait="pass"), **variables)


@pytest.mark.parametrize("columns", [20, 60, 80, 120, 200])
def test_no_cell_is_cut_off_at_any_width(columns: int) -> None:
    done = table(columns)
    assert done.status == 0
    assert "…" not in done.plain
    for cell in (*COLUMNS, *ROWS[0], *ROWS[1]):
        assert cell in done.plain


def test_a_wide_terminal_has_a_line_a_row_and_a_narrow_one_a_line_a_cell() -> None:
    head = "  ".join(COLUMNS)
    assert any(line.split() == head.split() for line in table(200).lines)
    assert not any(line.split() == head.split() for line in table(60).lines)


def test_without_colour_there_is_none() -> None:
    assert "\x1b[1m" in table(200).text
    without = table(200, NO_COLOR="1", TERM="dumb").text
    assert not re.search(r"\x1b\[[0-9;]*[1-9][0-9]*m", without)


def test_ctrl_c_ends_in_one_line_and_status_130() -> None:
    done = shown(80, PROGRAM.format(wait="time.sleep(30)"), interrupt_at="wait")
    assert done.status == 130
    assert "Traceback" not in done.text
    assert done.lines[-2:] == ["python -m scripts.x: interrupted", ""]


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
    done = shown(columns, EVERY_HELP, **variables)
    assert done.status == 0, done.plain
    assert "Traceback" not in done.plain
    assert "…" not in done.plain
    helps = [part for part in done.plain.split(">>> ")[1:] if part.strip()]
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


def test_no_row_of_the_access_matrix_is_wider_than_the_terminal(tmp_path: Path) -> None:
    arguments = ["--templates", str(write_assembly(tmp_path)), "--config"]
    arguments = ["access-check", *arguments, str(write_config(tmp_path))]
    program = f"import scripts.housing; scripts.housing.main({arguments!r})"
    for columns, two_lines in ((60, True), (200, False)):
        done = shown(columns, program)
        assert done.status == 0, done.plain
        rows = [line for line in done.lines if line.count("·") > 1]
        assert rows
        assert all(len(row) <= columns for row in rows)
        assert all(row.startswith(" ") == two_lines for row in rows)

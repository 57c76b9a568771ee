"""Commands that are printed run in the shell and the folder that they are printed to."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fleet.doctor import CDK_VERSION
from fleet.project import cdk_command, project_folder, spelled

ROOT = Path(__file__).parents[2]
OF_THE_AWS_CLI = re.compile(r"(?<![\w.])aws [a-z][a-z0-9-]+ [a-z0-9]+[- ]")
WITHOUT_OURS = "/usr/bin:/bin"


@pytest.fixture(params=[ROOT, Path("/")], ids=["project", "elsewhere"])
def folder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(request.param)
    project_folder.cache_clear()
    where: Path = request.param
    return where


def test_a_cdk_command_runs_where_it_is_printed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a shell that never heard of the environment, and has no node."""
    monkeypatch.setenv("PATH", WITHOUT_OURS)
    line = cdk_command("dev", "--version")
    done = subprocess.run(
        ["/bin/sh", "-c", line],
        cwd=folder,
        env={"PATH": WITHOUT_OURS, "HOME": os.environ.get("HOME", "/")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith(CDK_VERSION), f"{line}\n{done.stderr}"


def test_a_shell_that_is_activated_needs_no_more(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{WITHOUT_OURS}")
    assert "activate" not in cdk_command("dev", "synth")


@pytest.mark.parametrize("activated", [True, False])
def test_a_command_of_ours_is_found_where_it_is_printed(
    folder: Path, activated: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = Path(sys.executable).parent
    path = f"{programs}:{WITHOUT_OURS}" if activated else WITHOUT_OURS
    monkeypatch.setenv("PATH", path)
    line = spelled("housing train --help")
    done = subprocess.run(
        ["/bin/sh", "-c", f"command -v {line.split()[0]}"],
        cwd=folder,
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, line


@pytest.mark.parametrize("package", ["fleet", "scripts", "training", "stacks", "localaws"])
def test_no_command_of_the_aws_cli_is_printed(package: str) -> None:
    """Nobody needs to have it."""
    found = [
        f"{path}: {node.value}"
        for path in (ROOT / package).rglob("*.py")
        if "aws " in (text := path.read_text(encoding="utf-8"))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and OF_THE_AWS_CLI.search(node.value)
    ]
    assert found == []

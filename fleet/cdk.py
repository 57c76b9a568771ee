"""Runs the project's pinned CDK CLI."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from fleet.errors import HousingError
from fleet.project import in_project, project_folder

LINES_SHOWN = 20


class CdkError(HousingError):
    """The CLI is missing or ended with an error; the text holds the end of its output."""


def run_cdk(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    quiet: bool = False,
) -> None:
    """Run ``cdk`` and wait for it.

    Parameters
    ----------
    arguments
        The command and its options, for example ``["deploy", "housing-dev-storage"]``.
    environment
        Variables on top of this process's own.
    directory
        Where to run; the CLI reads cdk.json there. Default: the project's folder.
    quiet
        Show the output only if the CLI fails; otherwise it goes to the terminal.

    Raises
    ------
    CdkError
        The CLI is not installed, or it failed.
    """
    project = project_folder()
    cli = project / "node_modules" / ".bin" / "cdk"
    if not cli.exists():
        raise CdkError(f"{cli} is missing; run: {in_project('make setup')}")
    command = [str(cli), *arguments]
    completed = subprocess.run(
        command,
        cwd=directory or project,
        env=cdk_environment(os.environ, environment or {}),
        stdin=subprocess.DEVNULL if quiet else None,
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT if quiet else None,
        text=True,
    )
    if completed.returncode:
        raise CdkError(_failure(arguments, completed))


def cdk_environment(current: Mapping[str, str], extra: Mapping[str, str]) -> dict[str, str]:
    """The environment in which the CLI finds node and Python in this virtual environment."""
    scripts = str(Path(sys.executable).parent)
    return {
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1",
        **current,
        **extra,
        "PATH": os.pathsep.join([scripts, current.get("PATH", os.defpath)]),
    }


def _failure(arguments: Sequence[str], completed: subprocess.CompletedProcess[str]) -> str:
    line = f"cdk {' '.join(arguments)} ended with status {completed.returncode}"
    if not completed.stdout:
        return line
    return "\n".join([line, *completed.stdout.splitlines()[-LINES_SHOWN:]])

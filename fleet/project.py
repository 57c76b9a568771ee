"""Where the project is, and which stages it has: what its cdk.json says."""

import json
import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from fleet.errors import HousingError
from fleet.names import DEFAULT_STAGE, PROJECT, stack_name
from fleet.schema import HOUSES, Schema

CONFIG_FILE = "cdk.json"
SCHEMA_FILE = "schema.json"
CONTEXT_KEY = PROJECT


class ProjectError(HousingError):
    """There is no project here, or its cdk.json cannot be read."""


@cache
def project_folder() -> Path:
    """The folder of the project's cdk.json.

    It is the working directory or a parent of it; from anywhere else, the folder that the commands
    were installed from.

    Raises
    ------
    ProjectError
        Neither holds a cdk.json with the context key ``housing``.
    """
    here = Path.cwd()
    installed = Path(__file__).resolve().parents[1]
    for folder in (here, *here.parents, installed):
        if _has_config(folder / CONFIG_FILE):
            return folder
    raise ProjectError(
        f"no {CONFIG_FILE} with the context key {CONTEXT_KEY!r} in {here} or above it; "
        "go to the project's folder"
    )


def read_stages(config: Path) -> Mapping[str, Any]:
    """The raw deployment config of each stage in a cdk.json.

    Raises
    ------
    ProjectError
        The file is missing, is not JSON, or has no stages.
    """
    try:
        stages = json.loads(config.read_text(encoding="utf-8"))["context"][CONTEXT_KEY]
    except FileNotFoundError:
        raise ProjectError(f"{config} is missing") from None
    except (KeyError, TypeError, ValueError):
        raise ProjectError(f"{config} has no context key {CONTEXT_KEY!r}, or is no JSON") from None
    if not isinstance(stages, Mapping) or not stages:
        raise ProjectError(f"{config}: the context key {CONTEXT_KEY!r} names no stages")
    return stages


def stages() -> tuple[str, ...]:
    """The stages that the project's cdk.json defines."""
    return tuple(read_stages(project_folder() / CONFIG_FILE))


def in_project(command: str) -> str:
    """What a person types to run a command in the project's folder, from where they are now."""
    folder = project_folder()
    return command if folder == Path.cwd() else f"cd {shlex.quote(os.fspath(folder))} && {command}"


def cdk_command(stage: str, *arguments: str, profile: str | None = None) -> str:
    """What a person types to run the project's cdk CLI for a stage, from where they are now.

    ``profile`` is an AWS profile other than the shell's.
    """
    chosen = [] if stage == DEFAULT_STAGE else ["-c", f"stage={stage}"]
    chosen += ["--profile", profile] if profile else []
    parts = [shlex.join(["npx", "cdk", *arguments, *chosen])]
    programs = Path(sys.executable).parent
    activate = programs / "activate"
    if os.fspath(programs) not in os.environ.get("PATH", "").split(":") and activate.exists():
        parts.insert(0, f". {shlex.quote(os.fspath(activate))}")  # for npx, and python3 of cdk.json
    return in_project(" && ".join(parts))


def spelled(command: str) -> str:
    """How a person types ``housing ...`` or ``localaws ...`` in this shell so that it is found."""
    program, _, rest = command.partition(" ")
    installed = Path(sys.executable).with_name(program)
    found = shutil.which(program)
    if (found and Path(found).resolve() == installed.resolve()) or not installed.exists():
        return command
    here = Path.cwd()
    shown = installed.relative_to(here) if installed.is_relative_to(here) else installed
    return f"{shown} {rest}".rstrip()


def options_of(stage: str, profile: str | None) -> str:
    """What chooses both for a command of ours, each after a blank; empty for the defaults."""
    chosen = "" if stage == DEFAULT_STAGE else f" --stage {stage}"
    return chosen + (f" --profile {profile}" if profile else "")


def deploy_command(stage: str, *stacks: str, profile: str | None = None) -> str:
    """What a person types to deploy stacks of a stage, for example ``("hosting",)``."""
    names = (stack_name(stage, stack) for stack in stacks)
    return cdk_command(stage, "deploy", *names, profile=profile)


def _has_config(config: Path) -> bool:
    try:
        return bool(read_stages(config))
    except (ProjectError, OSError):
        return False


@cache
def project_schema() -> Schema:
    """The columns that the project's models are made for: its schema.json, or houses.

    Raises
    ------
    ProjectError
        The file cannot be used; the text has a line for each fault.
    """
    return read_schema(project_folder() / SCHEMA_FILE)


def read_schema(file: Path) -> Schema:
    """The schema in a file; houses where there is no file.

    Raises
    ------
    ProjectError
        The file cannot be used.
    """
    try:
        return Schema.from_json(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return HOUSES
    except ValueError as error:
        raise ProjectError(f"{file}: {error}") from None

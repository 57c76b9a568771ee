"""Thousands of small models behind one SageMaker endpoint: train, serve, watch, prove access."""

import ast
import gc
import sys
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path

import click

from scripts.command import CONTEXT, prepare_process, run

COMMANDS = (
    "demo",
    "init",
    "train",
    "predict",
    "add-model",
    "publish",
    "promote",
    "models",
    "cache-experiment",
    "access-check",
    "plan",
    "doctor",
    "smoke",
    "test-alarm",
    "unprotect",
    "teardown",
)
"""In the order of ``housing --help``; each is the object ``command`` of ``scripts.<name>``."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they run, so that ``--help`` answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        gc.disable()  # What is imported stays; to look for garbage in it takes a tenth of the time.
        try:
            command: click.Command = import_module(f"scripts.{_module(cmd_name)}").command
        finally:
            gc.freeze()
            gc.enable()
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, _summary(name)) for name in COMMANDS])


def _module(name: str) -> str:
    return name.replace("-", "_")


@cache
def _summary(name: str) -> str:
    """The first sentence of a command's module, read without importing it."""
    source = Path(__file__).with_name(f"{_module(name)}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n\n")[0].replace("\n", " ")


command = click.version_option(package_name="sagemaker-mme-fleet", message="%(version)s")(
    LazyGroup(help=__doc__, context_settings=CONTEXT)
)


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry point of the installed command ``housing``."""
    prepare_process()
    sys.exit(run(command, "housing", arguments))


if __name__ == "__main__":
    main()

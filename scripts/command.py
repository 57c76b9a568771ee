"""What all commands share: the options of AWS, errors as one line, exit statuses."""

import atexit
import gc
import io
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import click
from click.shell_completion import CompletionItem

from fleet.errors import HousingError
from fleet.names import DEFAULT_STAGE
from fleet.project import options_of, spelled, stages

if TYPE_CHECKING:
    import boto3

    from fleet.deployment import Deployment
    from training.workspace import Workspace

SUCCEEDED, FAILED, USAGE, INTERRUPTED, TERMINATED = 0, 1, 2, 130, 143
LINES_SHOWN = 50
"""Of thousands, on a terminal."""
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

Function = Callable[..., Any]


class Stage(click.ParamType[str]):
    """A stage that cdk.json defines."""

    name = "stage"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        known = stages()
        if value not in known:
            self.fail(f"{value!r} is not a stage of cdk.json; its stages: {', '.join(known)}")
        return value

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        try:
            return [CompletionItem(stage) for stage in stages() if stage.startswith(incomplete)]
        except HousingError:
            return []


@dataclass(frozen=True)
class Aws:
    """The stage and the AWS profile that a command was given; None is the shell's choice."""

    stage: str
    profile: str | None = None

    def session(self) -> "boto3.Session":
        """The AWS session of the chosen profile."""
        import boto3  # half a second that --help need not wait for

        return boto3.Session(profile_name=self.profile)

    def deployment(self) -> "tuple[boto3.Session, Deployment]":
        """The session, and what is deployed in the stage."""
        from fleet.deployment import find_deployment

        session = self.session()
        return session, find_deployment(session, self.stage, self.profile)

    @property
    def options(self) -> str:
        """The options that choose the same again, each after a blank; empty for the defaults."""
        return options_of(self.stage, self.profile)


def open_workspace(session: "boto3.Session", deployment: "Deployment") -> "Workspace":
    """The workspace of the training pipeline; the storage stack must be deployed."""
    from fleet.config import stage_config
    from training.workspace import Workspace

    return Workspace.create(
        session,
        stage=deployment.stage,
        bucket=deployment.require("bucket_name"),
        role_arn=deployment.require("training_role_arn"),
        parameter=deployment.preprocessor_parameter,
        registry_table=deployment.require("registry_table_name"),
        rules=stage_config(deployment.stage).gate.rules,
        key_arn=deployment.key_arn,
    )


def make_command(description: str | None, *examples: str) -> Callable[[Function], click.Command]:
    """A command whose help is ``description`` and ends with examples.

    The function returns the exit status; None is success.
    """
    epilog = "\b\nexample:\n" + "\n".join(f"  {example}" for example in examples)
    return click.command(help=description, epilog=epilog, context_settings=CONTEXT)


def aws_options(function: Function) -> Function:
    """Add ``--stage`` and ``--profile``, which the function gets as ``aws``."""

    @click.option(
        "--stage",
        type=Stage(),
        default=DEFAULT_STAGE,
        show_default=True,
        help="One of those in cdk.json.",
    )
    @click.option("--profile", metavar="NAME", help="AWS profile.  [default: the shell's]")
    @wraps(function)
    def with_aws(*, stage: str, profile: str | None, **options: Any) -> Any:
        return function(aws=Aws(stage, profile), **options)

    return with_aws


def json_option(function: Function) -> Function:
    """Add ``--json``, which the function gets as ``as_json``."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print the result as JSON and nothing else."
    )(function)


def run(command: click.Command, program: str, arguments: Sequence[str] | None = None) -> int:
    """Parse, run, and turn every expected error into one clear line and an exit status.

    Parameters
    ----------
    command
        A command or a group.
    program
        What it is called in usage and errors, for example ``housing``.
    arguments
        Default: those of the process.
    """
    try:
        status = command.main(arguments, prog_name=program, standalone_mode=False)
        sys.stdout.flush()
        return status if isinstance(status, int) else SUCCEEDED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt) as error:
        terminated = isinstance(error, Terminated) or isinstance(error.__cause__, Terminated)
        _say(program, "terminated" if terminated else "interrupted")
        return TERMINATED if terminated else INTERRUPTED
    except HousingError as error:
        _say(program, str(error))
        return FAILED
    except BrokenPipeError:
        return _pipe_closed()
    except Exception as error:
        line = _line_about(error)
        if line is None:
            raise
        _say(program, line)
        return FAILED


def main(command: click.Command, name: str) -> NoReturn:
    """Run one command as ``python -m scripts.<name>`` and end the process."""
    prepare_process()
    sys.exit(run(command, f"python -m scripts.{name}"))


def prepare_process() -> None:
    """SIGTERM cleans up as Ctrl-C does; no character that a terminal lacks ends a command."""
    signal.signal(signal.SIGTERM, terminate)
    # At its end Python would look through all modules for garbage: a sixth of a short command.
    atexit.register(gc.freeze)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


class Terminated(KeyboardInterrupt):
    """SIGTERM: everything is left as Ctrl-C leaves it."""


def terminate(signal_number: int, frame: object) -> NoReturn:
    """A signal handler that ends the process as Ctrl-C does, so that clean-up runs.

    Raises
    ------
    Terminated
        Always.
    """
    raise Terminated


def confirm(question: str) -> bool:
    """Ask on the terminal; no answer is a no."""
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def print_lines(lines: Sequence[str], stream: TextIO) -> None:
    """Print all of them, or on a terminal the first."""
    shown = lines[:LINES_SHOWN] if stream.isatty() else lines
    for line in shown:
        print(line, file=stream)
    if more := len(lines) - len(shown):
        print(f"and {more:,} more; --json has all, and so has a pipe", file=stream)


def assignment(
    context: click.Context, parameter: click.Parameter, values: Sequence[str]
) -> dict[str, str]:
    """The callback of a repeatable option ``NAME=VALUE``.

    Raises
    ------
    BadParameter
        A value is not of that form.
    """
    pairs = {}
    for text in values:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise click.BadParameter(f"{text!r} is not NAME=VALUE")
        pairs[name] = value
    return pairs


def _line_about(error: Exception) -> str | None:
    """One line about an error of AWS or of the system; None for a fault of the program."""
    if isinstance(error, OSError):
        return str(error)
    if "botocore" not in sys.modules:
        return None
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

    if isinstance(error, (NoCredentialsError, NoRegionError)):
        start = spelled("localaws env")
        return (
            f"{error} Choose an AWS profile (--profile, AWS_PROFILE), "
            f'or the AWS on this machine: eval "$({start})"'
        )
    return str(error) if isinstance(error, (BotoCoreError, ClientError)) else None


def _say(program: str, message: str) -> None:
    print(f"{program}: {message}", file=sys.stderr)


def _pipe_closed() -> int:
    """Whoever read the output has gone; nothing is left to say to anybody."""
    # Otherwise the interpreter says at its end that it cannot flush.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FAILED

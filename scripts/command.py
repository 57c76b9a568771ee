"""What every script shares: options, the AWS session, errors as one line, exit status."""

import argparse
import math
import sys
from collections.abc import Callable, Sequence

import boto3
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
)

from fleet.deployment import Deployment, find_deployment
from fleet.errors import HousingError
from training.workspace import Workspace

STAGES = ("dev", "prod")
SUCCEEDED, FAILED, INTERRUPTED = 0, 1, 130
CHOOSE_PROFILE = (
    "Choose an AWS profile (--profile, AWS_PROFILE), "
    'or the AWS on this machine: eval "$(python -m localaws env)"'
)


def make_parser(name: str, description: str, example: str) -> argparse.ArgumentParser:
    """A parser with ``--stage`` and ``--profile`` whose help ends with an example."""
    parser = argparse.ArgumentParser(
        prog=f"python -m scripts.{name}",
        description=description,
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--stage", choices=STAGES, default="dev", help="default: dev")
    parser.add_argument("--profile", help="AWS profile (default: the one chosen in the shell)")
    return parser


def run_command(
    parser: argparse.ArgumentParser,
    command: Callable[[argparse.Namespace], int],
    arguments: Sequence[str] | None,
) -> int:
    """Parse, run and turn errors into one clear line and an exit status."""
    options = parser.parse_args(arguments)
    try:
        return command(options)
    except KeyboardInterrupt:
        print(f"{parser.prog}: interrupted", file=sys.stderr)
        return INTERRUPTED
    except (NoCredentialsError, NoRegionError) as error:
        print(f"{parser.prog}: {error} {CHOOSE_PROFILE}", file=sys.stderr)
        return FAILED
    except (HousingError, BotoCoreError, ClientError, OSError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return FAILED


def open_session(options: argparse.Namespace) -> boto3.Session:
    """The AWS session of the chosen profile."""
    return boto3.Session(profile_name=options.profile)


def open_deployment(options: argparse.Namespace) -> tuple[boto3.Session, Deployment]:
    """The session, and what is deployed in the chosen stage."""
    session = open_session(options)
    return session, find_deployment(session, options.stage)


def open_workspace(session: boto3.Session, deployment: Deployment) -> Workspace:
    """The workspace of the training pipeline; the storage stack must be deployed."""
    return Workspace.create(
        session,
        stage=deployment.stage,
        bucket=deployment.require("bucket_name"),
        role_arn=deployment.require("training_role_arn"),
        parameter=deployment.preprocessor_parameter,
    )


def positive(text: str) -> int:
    """An option's whole number above 0."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def not_negative(text: str) -> int:
    """An option's whole number of at least 0."""
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is below 0")
    return number


def not_negative_number(text: str) -> float:
    """An option's number of at least 0."""
    number = float(text)
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a number of at least 0")
    return number


def confirm(question: str) -> bool:
    """Ask on the terminal; no answer is a no."""
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False

"""Shows and checks who may invoke which model.

Reads the synthesized templates, which needs no account, or with --deployed the roles as they are.
Fails when a role may do more or less than the config in cdk.json says.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fleet.access.assembly import read_assembly
from fleet.access.audit import audit
from fleet.access.deployed import read_deployed
from fleet.access.expectation import read_expectation
from fleet.access.live import LiveCell, invoke_all
from fleet.access.picture import write_picture
from fleet.access.report import as_json, live_problems, print_audit, print_live
from fleet.access.roles import Estate
from fleet.console import Console
from fleet.names import target_model
from scripts.cdk import ROOT
from scripts.command import FAILED, SUCCEEDED, make_parser, open_deployment, run_command
from training.houses import CITIES

if TYPE_CHECKING:
    import boto3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    return run_command(_parser(), _check, arguments)


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "access_check",
        __doc__ or "",
        "npx cdk synth -q && python -m scripts.access_check\n"
        "  python -m scripts.access_check --live",
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--templates",
        type=Path,
        default=ROOT / "cdk.out",
        metavar="FOLDER",
        help="a synthesized cloud assembly (default: cdk.out)",
    )
    source.add_argument(
        "--deployed", action="store_true", help="read the deployed roles instead of templates"
    )
    source.add_argument(
        "--live",
        action="store_true",
        help="besides --deployed, assume each role, invoke each model, and compare",
    )
    parser.add_argument(
        "--model",
        action="append",
        metavar="TARGET_MODEL",
        help="a column, repeatable (default: the first model of each of the ten cities)",
    )
    parser.add_argument("--config", type=Path, default=ROOT / "cdk.json", help=argparse.SUPPRESS)
    parser.add_argument("--picture", type=Path, metavar="FILE.svg", help="draw the matrix")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


def _check(options: argparse.Namespace) -> int:
    console = Console(sys.stderr if options.json else None)
    models = tuple(options.model or map(target_model, CITIES))
    expectation = read_expectation(options.config, options.stage)
    estate, live_session = _estate(options)
    found = audit(estate, expectation, models)
    live: list[LiveCell] | None = None
    if live_session is not None:
        live = list(invoke_all(live_session, found.matrix))
    problems = [*found.problems, *live_problems(live or ())]
    if options.picture:
        write_picture(options.picture, found.matrix)
    if options.json:
        print(json.dumps(as_json(found, live, problems), indent=2))
    else:
        print_audit(console, found)
        if live is not None:
            print_live(console, live)
        console.say("as the config says" if not problems else f"{len(problems)} problems")
    for problem in problems:
        print(problem, file=sys.stderr)
    return FAILED if problems else SUCCEEDED


def _estate(options: argparse.Namespace) -> tuple[Estate, "boto3.Session | None"]:
    if not (options.deployed or options.live):
        return read_assembly(options.templates, options.stage), None
    session, deployment = open_deployment(options)
    return read_deployed(session, deployment), session if options.live else None


if __name__ == "__main__":
    sys.exit(main())

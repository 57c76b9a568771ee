"""Shows and checks who may invoke which model.

Reads the synthesized templates, which needs no account, or with --deployed the roles as they are.
Fails when a role may do more or less than the config in cdk.json says.

With --templates it reads those of any other app, and holds each role against its own conditions on
sagemaker:TargetModel, or against a file of what is expected.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fleet.access.assembly import read_assembly
from fleet.access.audit import Audit, audit
from fleet.access.changes import changes, read_report
from fleet.access.deployed import read_deployed
from fleet.access.expectation import Expectation, read_expectation
from fleet.access.foreign import Expected, audit_templates
from fleet.access.live import LiveCell, invoke_all
from fleet.access.picture import write_picture
from fleet.access.report import as_json as report
from fleet.access.report import live_problems, print_audit, print_live, print_sessions
from fleet.console import Console
from fleet.deployment import Deployment
from fleet.errors import HousingError
from fleet.names import target_model
from fleet.project import CONFIG_FILE, project_folder, project_schema
from fleet.registry_reader import RegistryReader
from scripts.command import (
    CONTEXT,
    FAILED,
    SUCCEEDED,
    Aws,
    aws_options,
    json_option,
    main,
    print_lines,
)
from training.houses import CITIES

if TYPE_CHECKING:
    import boto3

LIVE_MODELS = 20
"""So many models are really invoked, spread over all that serve."""
EPILOG = (
    "\b\nexample:\n  npx cdk synth -q && housing access-check\n  housing access-check --live\n"
    "  housing access-check --templates ../their-app/cdk.out --expect access.json\n"
    "  housing access-check diff before.json after.json"
)


@click.group(help=__doc__, epilog=EPILOG, context_settings=CONTEXT, invoke_without_command=True)
@click.option(
    "--templates",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Synthesized templates, of this app or of any.  [default: cdk.out]",
)
@click.option(
    "--expect",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE.json",
    help='Of other templates: {"role": ["Boston_MA/*"]}; "*" may do as it likes.',
)
@click.option("--deployed", is_flag=True, help="Read the deployed roles instead of templates.")
@click.option(
    "--live", is_flag=True, help="Besides --deployed, assume each role, invoke each model, compare."
)
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="TARGET_MODEL",
    help="A column, repeatable.  [default: what serves; of templates ten cities]",
)
@click.option(
    "--session", metavar="PATTERN", help="Only show the sessions of this name, all of them."
)
@click.option("--config", type=click.Path(dir_okay=False, path_type=Path), hidden=True)
@click.option(
    "--picture",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.svg",
    help="Draw the matrix.",
)
@json_option
@aws_options
def command(
    aws: Aws,
    templates: Path | None,
    expect: Path | None,
    deployed: bool,
    live: bool,
    models: Sequence[str],
    session: str | None,
    config: Path | None,
    picture: Path | None,
    as_json: bool,
) -> int:
    if click.get_current_context().invoked_subcommand:
        return SUCCEEDED
    if (templates is not None) + deployed + live > 1:
        raise click.UsageError("--templates, --deployed and --live are not allowed together")
    console = Console(sys.stderr if as_json else None)
    folder = templates or project_folder() / "cdk.out"
    if deployed or live:
        what = "invoke each model as each role" if live else "read the deployed roles"
        with Console(sys.stderr).busy(what):
            proof = _of_deployed(aws, config, tuple(models), console, live=live)
    elif expect is not None or (templates is not None and _is_foreign(templates)):
        proof = Proof(audit_templates(folder, _read_expected(expect) if expect else None, models))
    else:
        estate = read_assembly(folder, aws.stage)
        columns = tuple(models) or tuple(map(target_model, CITIES))
        proof = Proof(audit(estate, _expectation(aws, config), columns))
    problems = proof.problems
    print_lines(problems, sys.stderr)
    if picture:
        write_picture(picture, proof.audit.matrix)
    if as_json:
        print(json.dumps(report(proof.audit, proof.live, problems), indent=2, ensure_ascii=False))
    elif session:
        if not print_sessions(console, proof.audit.matrix, session):
            raise HousingError(f"no session has a name like {session!r}; --json lists them")
    else:
        print_audit(console, proof.audit)
        if proof.live is not None:
            print_live(console, proof.live)
        console.say(f"{len(problems):,} problems, told first" if problems else "as expected")
    return FAILED if problems else SUCCEEDED


@command.command("diff", help="What two states decide otherwise, each saved with --json.")
@click.argument("before", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("after", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
def diff_command(before: Path, after: Path, as_json: bool) -> int:
    found = changes(read_report(before), read_report(after))
    if as_json:
        document = {
            "wider": found.wider,
            "narrower": found.narrower,
            "problems": found.problems,
            "asked_of_one": found.asked_of_one,
        }
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        print_lines(found.lines or ["both decide the same"], sys.stdout)
        if found.asked_of_one:
            print(f"{found.asked_of_one:,} questions were asked of one of them alone")
    return FAILED if found.lines else SUCCEEDED


@dataclass(frozen=True)
class Proof:
    """What was found in policies, and what trying it came to; None where it was not tried."""

    audit: Audit
    live: Sequence[LiveCell] | None = None

    @property
    def problems(self) -> list[str]:
        """All differences, a line each."""
        return [*self.audit.problems, *live_problems(self.live or ())]


def _of_deployed(
    aws: Aws, config: Path | None, models: tuple[str, ...], console: Console, *, live: bool
) -> Proof:
    expectation = _expectation(aws, config)
    session, deployment = aws.deployment()
    estate = read_deployed(session, deployment)
    columns = models or _serving(session, deployment)
    if live and not models and len(columns) > LIVE_MODELS:
        console.say(f"live: {LIVE_MODELS} of {len(columns):,} models; --model names others")
        columns = columns[:: len(columns) // LIVE_MODELS][:LIVE_MODELS]
    found = audit(estate, expectation, columns or tuple(map(target_model, CITIES)))
    row = project_schema().sample_row.encode()
    return Proof(found, list(invoke_all(session, found.matrix, row)) if live else None)


def _expectation(aws: Aws, config: Path | None) -> Expectation:
    return read_expectation(config or project_folder() / CONFIG_FILE, aws.stage)


def _is_foreign(folder: Path) -> bool:
    """Whether none of the templates is an access stack of this app."""
    names = [file.name for file in folder.rglob("*.template.json")]
    return bool(names) and not any(fnmatchcase(n, "housing-*-access.template.json") for n in names)


def _read_expected(file: Path) -> Expected:
    try:
        expected = json.loads(file.read_text(encoding="utf-8"))
        return {str(role): [str(each) for each in _list(value)] for role, value in expected.items()}
    except (ValueError, AttributeError, TypeError):
        raise HousingError(
            f'{file}: has to be a JSON object such as {{"Houses/Partner/*": ["Boston_MA/*"]}}'
        ) from None


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _serving(session: "boto3.Session", deployment: Deployment) -> tuple[str, ...]:
    """The models that the registry says serve."""
    registry = RegistryReader(session.client("dynamodb"), deployment.require("registry_table_name"))
    return tuple(city.target_model for city in registry.cities() if city.target_model)


if __name__ == "__main__":
    main(command, "access_check")

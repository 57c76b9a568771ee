"""Shows and checks who may invoke which model.

Reads the synthesized templates, which needs no account, or with --deployed the roles as they are.
Fails when a role may do more or less than the config in cdk.json says.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fleet.access.assembly import read_assembly
from fleet.access.audit import audit
from fleet.access.deployed import read_deployed
from fleet.access.expectation import read_expectation
from fleet.access.live import invoke_all
from fleet.access.picture import write_picture
from fleet.access.report import as_json as report
from fleet.access.report import live_problems, print_audit, print_live
from fleet.console import Console
from fleet.deployment import Deployment
from fleet.names import target_model
from fleet.project import CONFIG_FILE, project_folder, project_schema
from fleet.registry import Registry
from scripts.command import FAILED, SUCCEEDED, Aws, aws_options, json_option, main, make_command
from training.houses import CITIES

if TYPE_CHECKING:
    import boto3

LIVE_MODELS = 20
"""So many models are really invoked, spread over all that serve."""


@make_command(__doc__, "npx cdk synth -q && housing access-check", "housing access-check --live")
@click.option(
    "--templates",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="A synthesized cloud assembly.  [default: cdk.out]",
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
    deployed: bool,
    live: bool,
    models: Sequence[str],
    config: Path | None,
    picture: Path | None,
    as_json: bool,
) -> int:
    if (templates is not None) + deployed + live > 1:
        raise click.UsageError("--templates, --deployed and --live are not allowed together")
    console = Console(sys.stderr if as_json else None)
    expectation = read_expectation(config or project_folder() / CONFIG_FILE, aws.stage)
    columns = tuple(models)
    if deployed or live:
        session, deployment = aws.deployment()
        estate = read_deployed(session, deployment)
        columns = columns or _serving(session, deployment)
        if live and not models and len(columns) > LIVE_MODELS:
            console.say(f"live: {LIVE_MODELS} of {len(columns):,} models; --model names others")
            columns = columns[:: len(columns) // LIVE_MODELS][:LIVE_MODELS]
    else:
        estate = read_assembly(templates or project_folder() / "cdk.out", aws.stage)
    found = audit(estate, expectation, columns or tuple(map(target_model, CITIES)))
    row = project_schema().sample_row.encode()
    tried = list(invoke_all(session, found.matrix, row)) if live else None
    problems = [*found.problems, *live_problems(tried or ())]
    if picture:
        write_picture(picture, found.matrix)
    if as_json:
        print(json.dumps(report(found, tried, problems), indent=2))
    else:
        print_audit(console, found)
        if tried is not None:
            print_live(console, tried)
        console.say("as the config says" if not problems else f"{len(problems)} problems")
    for problem in problems:
        print(problem, file=sys.stderr)
    return FAILED if problems else SUCCEEDED


def _serving(session: "boto3.Session", deployment: Deployment) -> tuple[str, ...]:
    """The models that the registry says serve."""
    registry = Registry(session.client("dynamodb"), deployment.require("registry_table_name"))
    return tuple(city.target_model for city in registry.cities() if city.target_model)


if __name__ == "__main__":
    main(command, "access_check")

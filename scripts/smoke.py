"""Proves a deployed stage from outside, and writes a report of it."""

import json
import sys
from pathlib import Path

import click

from fleet.checks import all_passed, make
from fleet.console import Console
from fleet.project import project_schema
from fleet.smoke import METRICS_SECONDS, Smoke, report
from scripts.command import FAILED, SUCCEEDED, Aws, aws_options, json_option, main, make_command


@make_command(__doc__, "housing smoke --stage prod", "housing smoke --row 2000,3000,3,2,1.0,2,n,y")
@click.option("--row", metavar="CSV", help="Features to send.  [default: one that fits the schema]")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("output"),
    show_default=True,
    help="Folder for the report.",
)
@click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=METRICS_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="How long logs and metrics may take to arrive.",
)
@aws_options
@json_option
def command(aws: Aws, row: str | None, output: Path, wait: float, as_json: bool) -> int:
    session, deployment = aws.deployment()
    smoke = Smoke(session, deployment, (row or project_schema().sample_row).encode(), wait)
    told = sys.stderr if as_json else sys.stdout
    busy = Console(sys.stderr).busy
    made = make(smoke.checks, lambda checked: print(checked, file=told), busy)
    output.mkdir(parents=True, exist_ok=True)
    page = output / f"smoke-{aws.stage}.md"
    page.write_text(report(made, deployment), encoding="utf-8")
    if as_json:
        print(json.dumps([checked.as_json() for checked in made]))
    else:
        print(f"report: {page}")
    return SUCCEEDED if all_passed(made) else FAILED


if __name__ == "__main__":
    main(command, "smoke")

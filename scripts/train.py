"""Trains one model per city and publishes them to the endpoint's bucket."""

import json
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from fleet.console import Console
from fleet.errors import HousingError
from fleet.gate import distance
from fleet.gate_report import GateReport
from fleet.names import Prefix, target_model
from fleet.publishing import Outcome
from fleet.versions import City
from fleet.words import significant
from scripts.command import (
    FAILED,
    Aws,
    aws_options,
    json_option,
    main,
    make_command,
    open_workspace,
)
from scripts.fleet_training import FleetOptions, train_fleet
from scripts.options import RowOptions, entity_option, job_options, row_options, say_left_out
from training.pipeline import Settings
from training.run import Training, published_preprocessor, train_and_publish
from training.table import Table
from training.workspace import Workspace


@make_command(__doc__, "housing train --city Chicago_IL --city Houston_TX")
@entity_option("Repeatable.  [default: all]", multiple=True)
@click.option(
    "--refit-preprocessor",
    is_flag=True,
    help="Fit a new preprocessor on these houses, although one is published.",
)
@click.option(
    "--trainer",
    type=click.Choice(["service", "fleet"]),
    default="service",
    show_default=True,
    help="One job a city, or one job for all.",
)
@click.option(
    "--s3-prefix", metavar="URL", help="Fleet: files that are in the bucket already, <City>.csv."
)
@click.option(
    "--instance-count",
    type=click.IntRange(min=1, max=100),
    default=1,
    show_default=True,
    help="Fleet: instances that share the cities.",
)
@click.option(
    "--solver",
    type=click.Choice(["linear-learner", "exact"]),
    default="linear-learner",
    show_default=True,
    help="Fleet: Linear Learner's epochs, or the optimum of the same loss.",
)
@click.option(
    "--price-per-hour",
    type=click.FloatRange(min=0),
    metavar="DOLLARS",
    help="Fleet: of one instance; the run then says what it cost.",
)
@click.option("--force", is_flag=True, help="Let models serve that the gate refuses.")
@click.option(
    "--report",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("output"),
    show_default=True,
    metavar="FOLDER",
    help="Gets gate.html and gate.json: who got better, worse, refused.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done.")
@row_options
@job_options
@json_option
@aws_options
def command(
    aws: Aws,
    cities: Sequence[str],
    rows: RowOptions,
    settings: Settings,
    refit_preprocessor: bool,
    trainer: str,
    s3_prefix: str | None,
    instance_count: int,
    solver: str,
    price_per_hour: float | None,
    force: bool,
    report: Path,
    dry_run: bool,
    as_json: bool,
) -> int:
    console = Console(sys.stderr if as_json else None)
    if trainer == "fleet":
        options = FleetOptions(
            rows=rows,
            cities=cities,
            prefix=s3_prefix,
            settings=settings,
            solver=solver,
            instance_count=instance_count,
            price_per_hour=price_per_hour,
            refit_preprocessor=refit_preprocessor,
            force=force,
            dry_run=dry_run,
            as_json=as_json,
            report=report,
        )
        return train_fleet(open_workspace(*aws.deployment()), options, console)
    read = rows.read(cities)
    tables = read.tables
    session, deployment = aws.deployment()
    workspace = open_workspace(session, deployment)
    url = _preprocessor_to_use(workspace, tables, refit=refit_preprocessor)
    if dry_run:
        plan = _plan(workspace, tables, settings, url)
        print(json.dumps(plan, indent=2) if as_json else "\n".join(_plan_lines(plan)))
        return say_left_out(read.left_out)
    training = train_and_publish(
        workspace, read, settings, console, preprocessor_url=url, force=force
    )
    schema = training.dataset.schema
    page = GateReport(
        workspace.stage,
        list(training.publications.values()),
        {c: why for c, why in training.failures.items() if c not in training.publications},
        unit=schema.label.unit,
        entity=schema.entity,
    ).write(report)
    if as_json:
        document = {**_as_json(training), "left_out": read.left_out, "report": str(page)}
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        _print(training, console)
        console.say(f"report of the gate: {page}")
    if training.preprocessor_is_new and deployment.endpoint_name:
        command = deployment.deploy_command("hosting")
        console.say(f"The endpoint gets the new preprocessor with: {command}")
    for city, reason in training.failures.items():
        print(f"{city}: {reason}", file=sys.stderr)
    left_out = say_left_out(read.left_out)
    return FAILED if training.failures else left_out


def _preprocessor_to_use(
    workspace: Workspace, cities: Collection[str], *, refit: bool
) -> str | None:
    """The published preprocessor; None where one is to be fitted.

    All models behind an endpoint share one preprocessor, so that a new one needs all of them anew.

    Raises
    ------
    HousingError
        One is to be fitted, and cities that are served are left out.
    """
    current = published_preprocessor(workspace, any_columns=refit)
    if current is None or not refit:
        return current
    serving = {city.city for city in workspace.registry.cities() if city.serving}
    left_out = serving - set(cities)
    if left_out:
        raise HousingError(
            "a new preprocessor needs new models of all cities that are served; left out are: "
            + ", ".join(sorted(left_out))
        )
    return None


def _plan(
    workspace: Workspace,
    tables: Mapping[str, Table],
    settings: Settings,
    preprocessor_url: str | None,
) -> dict[str, object]:
    known = workspace.registry.some_cities(tables)
    latest = {city: known.get(city, City(city)) for city in tables}
    return {
        "rows": sum(map(len, tables.values())),
        "upload_to": workspace.url(Prefix.RAW),
        "preprocessor": preprocessor_url,
        "preprocessor_parameter": workspace.parameter,
        "instance_type": settings.instance_type,
        "jobs_at_a_time": settings.max_in_flight,
        "models": {
            name: {
                "publish": workspace.url(Prefix.MODELS + target_model(name, city.last_version + 1)),
                "unless_equal_to_version": city.serving,
            }
            for name, city in latest.items()
        },
    }


def _plan_lines(plan: Mapping[str, Any]) -> Iterator[str]:
    url = plan["preprocessor"]
    yield f"upload {plan['rows']:,} rows to {plan['upload_to']}"
    if url is None:
        parameter = plan["preprocessor_parameter"]
        yield f"fit one preprocessor on all of them and store its URL in {parameter}"
    yield f"transform them with {url or 'it'} in one batch transform job"
    yield (
        f"train {len(plan['models'])} models on {plan['instance_type']}, "
        f"{plan['jobs_at_a_time']} at a time, where they are not trained already"
    )
    for model in plan["models"].values():
        version = model["unless_equal_to_version"]
        yield f"publish {model['publish']}" + (
            f", unless it equals version {version}" if version else ""
        )


def _as_json(training: Training) -> dict[str, object]:
    return {
        "preprocessor": training.preprocessor_url,
        "models": {
            city: {
                "target_model": target,
                "job": training.jobs[city].name,
                "new": training.publications[city].outcome is Outcome.PUBLISHED,
                "validation_absolute_loss": training.publications[city].candidate.metrics["mae"],
                **training.publications[city].candidate.baselines,
            }
            for city, target in training.models.items()
        },
        "failures": training.failures,
    }


def _print(training: Training, console: Console) -> None:
    rows = []
    for publication in training.publications.values():
        candidate = publication.candidate
        far = distance(candidate)
        rows.append(
            [
                candidate.title,
                f"{candidate.train_rows:,}",
                significant(candidate.metrics["mae"]),
                significant(candidate.baselines["least_squares_mae"]),
                significant(candidate.baselines["median_mae"]),
                "-" if far is None else f"{far:.0%}",
                publication.target_model or "",
                publication.outcome,
            ]
        )
    schema = training.dataset.schema
    unit = schema.label.unit
    errors = [f"{name} {unit}".rstrip() for name in ("error", "least squares", "median")]
    columns = [schema.entity, "rows", *errors, "distance"]
    console.table("Models, by their error on validation rows", [*columns, "serves", ""], rows)


if __name__ == "__main__":
    main(command, "train")

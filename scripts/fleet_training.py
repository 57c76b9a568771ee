"""``housing train --trainer fleet``: all cities in one job."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fleet.console import Console, significant
from fleet.errors import HousingError
from fleet.gate import distance
from fleet.names import Prefix
from fleet.project import project_schema
from fleet.publishing import Outcome, summary
from fleet.schema import HOUSES
from scripts.command import FAILED, SUCCEEDED
from scripts.job_reporter import JobReporter
from scripts.options import RowOptions
from scripts.training_run import published_preprocessor
from training.fleet_trainer.recipe import Recipe
from training.fleet_trainer.request import Cluster
from training.fleet_trainer.run import FleetRun, FleetTrainer
from training.fleet_trainer.sources import Source, of_folder, of_market, of_prefix, of_tables
from training.houses import CITIES
from training.pipeline import Pipeline, Settings
from training.publish import publish_preprocessor, store_preprocessor
from training.reader import read_rows
from training.table import Table
from training.workspace import Workspace

TEST_SHARE = 0.1
"""Of each city's houses: as the service trainer, which keeps them for the test."""
FITTED_ON = 200
"""Cities whose houses the preprocessor is fitted on, evenly chosen where there are more."""
ERRORS = ("error", "least squares", "median")
SHOWN = 20
"""Cities in the table that a run prints; ``--json`` has all."""


@dataclass(frozen=True)
class FleetOptions:
    """How ``housing train --trainer fleet`` was called."""

    rows: RowOptions
    cities: Sequence[str]
    prefix: str | None
    settings: Settings
    solver: str
    instance_count: int
    price_per_hour: float | None
    refit_preprocessor: bool
    force: bool
    dry_run: bool
    as_json: bool


def train_fleet(workspace: Workspace, options: FleetOptions, console: Console) -> int:
    """Run the command; returns its exit status."""
    with console.step("look at the cities' files") as step:
        sources = _sources(workspace, options)
        step.detail = f"{len(sources):,} cities"
    if options.dry_run:
        _print_plan(workspace, sources, options)
        return SUCCEEDED
    url = published_preprocessor(workspace, any_columns=options.refit_preprocessor)
    is_fitted = url is None or options.refit_preprocessor
    if url is None or is_fitted:
        url = _fitted(workspace, sources, options, console)
    hyperparameters = {**project_schema().hyperparameters, **options.settings.hyperparameters}
    recipe = Recipe(hyperparameters, options.solver, TEST_SHARE)
    cluster = Cluster(
        options.settings.instance_type,
        options.instance_count,
        options.settings.max_runtime_seconds,
    )
    trainer = FleetTrainer(workspace, recipe, cluster, console.step, JobReporter(console))
    run = trainer.run(sources, url, again=options.settings.again, force=options.force)
    failures = {**run.failures, **_not_served(run)}
    if is_fitted and not failures:
        publish_preprocessor(workspace.ssm, workspace.parameter, url)
    if options.as_json:
        print(json.dumps(_as_json(run, failures, options), indent=2))
    else:
        _print(run, options, console)
    for reason in failures.values():
        print(reason, file=sys.stderr)
    return FAILED if failures else SUCCEEDED


def _sources(workspace: Workspace, options: FleetOptions) -> dict[str, Source]:
    if options.prefix is not None:
        found = of_prefix(workspace, _key(workspace, options.prefix))
        where = options.prefix
    elif options.rows.data is not None:
        where = str(options.rows.data)
        plain = _are_plain(options.rows)
        found = of_folder(options.rows.data) if plain else of_tables(options.rows.tables())
    else:
        names = options.cities or CITIES
        count = options.rows.houses_per_city
        return of_market(options.rows.market, dict.fromkeys(names, count))
    missing = [city for city in options.cities if city not in found]
    if missing or not found:
        raise HousingError(f"{where} has no file for {', '.join(missing) or 'any city'}")
    return {city: found[city] for city in options.cities} if options.cities else found


def _key(workspace: Workspace, url: str) -> str:
    key = workspace.key_of(url)
    if key.startswith("s3://"):
        raise HousingError(f"{url}: the files have to be in the bucket {workspace.bucket}")
    return key


def _fitted(
    workspace: Workspace, sources: Mapping[str, Source], options: FleetOptions, console: Console
) -> str:
    """A preprocessor, fitted on the houses of these cities, or of some where they are many."""
    if options.prefix is not None:
        raise HousingError(
            "no preprocessor is published to train with; run housing train --data FOLDER first"
        )
    names = sorted(sources)[:: max(1, len(sources) // FITTED_ON)]
    with console.step(f"fit the preprocessor on {len(names)} cities"):
        pipeline = Pipeline(workspace, options.settings, JobReporter(console))
        tables = {name: _table(name, options.rows) for name in names}
        artifact = pipeline.fit_preprocessor(pipeline.upload(tables))
        return store_preprocessor(workspace.s3, workspace.bucket, artifact)


def _table(city: str, options: RowOptions) -> Table:
    if options.data is None:
        return options.market.houses(city, options.houses_per_city)
    if _are_plain(options):
        file = Path(options.data) / f"{city}.csv"
        return read_rows(file, project_schema(), with_label=True).table
    return options.tables([city])[city]


def _are_plain(options: RowOptions) -> bool:
    """Whether there is a file of houses for each city, which travels to the job as it is."""
    return options.data is not None and options.data.is_dir() and project_schema() == HOUSES


def _not_served(run: FleetRun) -> dict[str, str]:
    return {
        each.city: f"{each.city}: {each.failure}"
        for each in run.publications
        if each.failure is not None
    }


def _print_plan(workspace: Workspace, sources: Mapping[str, Source], options: FleetOptions) -> None:
    local = [each for each in sources.values() if each.read is not None]
    plan = {
        "cities": len(sources),
        "upload_bytes": sum(each.size for each in local),
        "upload_to": workspace.url(Prefix.RAW) if local else None,
        "preprocessor": published_preprocessor(workspace, any_columns=True),
        "instance_type": options.settings.instance_type,
        "instance_count": options.instance_count,
        "solver": options.solver,
    }
    if options.as_json:
        print(json.dumps(plan, indent=2))
        return
    for name, value in plan.items():
        print(f"{name.replace('_', ' ')}: {value}")


def _as_json(
    run: FleetRun, failures: Mapping[str, str], options: FleetOptions
) -> dict[str, object]:
    return {
        "preprocessor": run.preprocessor_url,
        "job": run.job,
        "billable_seconds": run.billable_seconds,
        "cost": _cost(run, options),
        "unchanged": list(run.unchanged),
        "models": {
            each.city: {
                "target_model": each.target_model,
                "new": each.outcome is Outcome.PUBLISHED,
                "validation_absolute_loss": each.candidate.metrics["mae"],
                **each.candidate.baselines,
            }
            for each in run.publications
            if each.target_model is not None
        },
        "failures": dict(failures),
    }


def _print(run: FleetRun, options: FleetOptions, console: Console) -> None:
    rows = []
    for each in run.publications[:SHOWN]:
        candidate, far = each.candidate, distance(each.candidate)
        rows.append(
            [
                each.city,
                f"{candidate.train_rows:,}",
                significant(candidate.metrics["mae"]),
                significant(candidate.baselines["least_squares_mae"]),
                significant(candidate.baselines["median_mae"]),
                "-" if far is None else f"{far:.0%}",
                each.target_model or "",
                each.outcome,
            ]
        )
    schema = project_schema()
    errors = [f"{name} {schema.label.unit}".rstrip() for name in ERRORS]
    columns = [schema.entity, "rows", *errors, "distance", "serves", ""]
    if rows:
        console.table("Models, by their error on validation rows", columns, rows)
    if len(run.publications) > SHOWN:
        console.say(f"and {len(run.publications) - SHOWN:,} more")
    console.say(
        f"{summary(run.publications) or 'nothing published'}, {len(run.unchanged):,} unchanged"
    )
    if run.billable_seconds:
        cost = _cost(run, options)
        price = "" if cost is None else f", ${cost:,.4f}"
        console.say(f"{run.billable_seconds} billable seconds{price}")


def _cost(run: FleetRun, options: FleetOptions) -> float | None:
    """By the second, as https://aws.amazon.com/sagemaker/ai/pricing/ has it for training."""
    if options.price_per_hour is None:
        return None
    return run.billable_seconds * options.price_per_hour / 3600

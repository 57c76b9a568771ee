"""``housing train --trainer fleet``: all cities in one job."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from fleet.console import Console
from fleet.errors import HousingError
from fleet.gate import distance
from fleet.gate_report import GateReport
from fleet.names import Prefix, entity_key, is_entity_key
from fleet.project import project_schema, spelled
from fleet.publishing import Outcome, summary
from fleet.schema import HOUSES
from fleet.words import counted, plural, significant
from scripts.command import FAILED
from scripts.options import RowOptions, say_left_out
from training.fleet_trainer.recipe import Recipe
from training.fleet_trainer.request import Cluster
from training.fleet_trainer.run import FleetRun, FleetTrainer
from training.fleet_trainer.sources import Source, of_folder, of_market, of_prefix, of_tables
from training.houses import CITIES
from training.job_reporter import JobReporter
from training.pipeline import Pipeline, Settings
from training.publish import publish_preprocessor, store_preprocessor
from training.reader import read_rows
from training.run import published_preprocessor
from training.sheet import csv_files
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
    report: Path


def train_fleet(workspace: Workspace, options: FleetOptions, console: Console) -> int:
    """Run the command; returns its exit status."""
    schema = project_schema()
    with console.step(f"look at the files of all {plural(schema.entity)}") as step:
        rows = _rows(workspace, options)
        sources = rows.sources
        step.detail = counted(len(sources), schema.entity)
    if options.dry_run:
        _print_plan(workspace, sources, options)
        return say_left_out(rows.left_out)
    url = published_preprocessor(workspace, any_columns=options.refit_preprocessor)
    is_fitted = url is None or options.refit_preprocessor
    if url is None or is_fitted:
        url = _fitted(workspace, rows, options, console)
    hyperparameters = {**schema.hyperparameters, **options.settings.hyperparameters}
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
    page = GateReport(
        workspace.stage,
        run.publications,
        run.failures,
        run.unchanged,
        run.job,
        schema.label.unit,
        schema.entity,
    ).write(options.report)
    if options.as_json:
        document = {**_as_json(run, failures, options), "left_out": dict(rows.left_out)}
        document["report"] = str(page)
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        _print(run, options, console)
        console.say(f"report of the gate: {page}")
    for reason in failures.values():
        print(reason, file=sys.stderr)
    left_out = say_left_out(rows.left_out)
    return FAILED if failures else left_out


def _rows(workspace: Workspace, options: FleetOptions) -> "_Rows":
    """Of the entities that were asked for; of all without any.

    Raises
    ------
    HousingError
        The folder lacks one.
    """
    data, cities = options.rows.data, [entity_key(city) for city in options.cities]
    if options.prefix is not None:
        where = options.prefix
        rows = _Rows(of_prefix(workspace, _key(workspace, options.prefix)))
    elif data is None:
        market, count = options.rows.market, options.rows.houses_per_city
        drawn = of_market(market, dict.fromkeys(cities or CITIES, count))
        return _Rows(drawn, lambda city: market.houses(city, count))
    elif _are_plain(options.rows):
        where = str(data)
        schema = project_schema()
        rows = _Rows(
            of_folder(data),
            lambda city: read_rows(data / f"{city}.csv", schema, with_label=True).table,
        )
    else:
        where = str(data)
        read = options.rows.read()
        rows = _Rows(of_tables(read.tables, read.names), read.tables.__getitem__, read.left_out)
    missing = [city for city in cities if city not in rows.sources]
    if missing or not rows.sources:
        what = ", ".join(missing) or f"any {project_schema().entity}"
        raise HousingError(f"{where} has no file for {what}")
    chosen = {city: rows.sources[city] for city in cities} or rows.sources
    return replace(rows, sources=chosen)


def _unreadable(city: str) -> Table:
    raise HousingError(
        "no preprocessor is published to train with; first: "
        + spelled("housing train --data FOLDER")
    )


@dataclass(frozen=True)
class _Rows:
    """Where the rows of each entity are, and how to read them; ``left_out`` by file."""

    sources: Mapping[str, Source]
    table: Callable[[str], Table] = _unreadable
    left_out: Mapping[str, Sequence[str]] = field(default_factory=dict)


def _key(workspace: Workspace, url: str) -> str:
    key = workspace.key_of(url)
    if key.startswith("s3://"):
        raise HousingError(f"{url}: the files have to be in the bucket {workspace.bucket}")
    return key


def _fitted(workspace: Workspace, rows: _Rows, options: FleetOptions, console: Console) -> str:
    """A preprocessor, fitted on the rows of these entities, or of some where they are many."""
    names = sorted(rows.sources)[:: max(1, len(rows.sources) // FITTED_ON)]
    with console.step(f"fit the preprocessor on {counted(len(names), project_schema().entity)}"):
        pipeline = Pipeline(workspace, options.settings, JobReporter(console))
        tables = {name: rows.table(name) for name in names}
        artifact = pipeline.fit_preprocessor(pipeline.upload(tables))
        return store_preprocessor(workspace.s3, workspace.bucket, artifact)


def _are_plain(options: RowOptions) -> bool:
    """Whether there is a file of houses for each city's key, which travels to the job as it is."""
    folder = options.data
    return (
        folder is not None
        and folder.is_dir()
        and project_schema() == HOUSES
        and all(is_entity_key(file.stem) for file in csv_files(folder))
    )


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
    for each in islice(run.publications, SHOWN):
        candidate, far = each.candidate, distance(each.candidate)
        rows.append(
            [
                candidate.title,
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
    console.say(summary(run.publications, len(run.unchanged)) or "nothing published")
    if run.billable_seconds:
        cost = _cost(run, options)
        price = "" if cost is None else f", ${cost:,.4f}"
        console.say(f"{run.billable_seconds} billable seconds{price}")


def _cost(run: FleetRun, options: FleetOptions) -> float | None:
    """By the second, as https://aws.amazon.com/sagemaker/ai/pricing/ has it for training."""
    if options.price_per_hour is None:
        return None
    return run.billable_seconds * options.price_per_hour / 3600

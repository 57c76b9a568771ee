"""Who uses which model: usage, drift of what they ask, and warming what they will ask."""

import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import click

from fleet.console import Console
from fleet.errors import HousingError
from fleet.names import entity_key
from fleet.project import project_schema
from fleet.serving import known_city
from fleet.words import counted
from scripts.command import FAILED, SUCCEEDED, Aws, Function, aws_options, json_option, print_lines
from scripts.model_stage import Stage, say

WARMING_THREADS = 8
SHOWN = 40
"""Cities in the table; ``--json`` has all."""
POSITIVE = click.FloatRange(min=0, min_open=True)


def hours_option(function: Function) -> Function:
    """Add ``--hours``."""
    return click.option(
        "--hours", type=POSITIVE, default=24.0, show_default=True, help="How far it looks back."
    )(function)


@click.command("usage", help="Requests, errors, latency and share of the cost by city.")
@hours_option
@click.option("--price-per-hour", type=POSITIVE, help="Of an instance.  [default: the price list]")
@json_option
@aws_options
def usage_command(aws: Aws, hours: float, price_per_hour: float | None, as_json: bool) -> None:
    from fleet.cache.endpoint import describe_endpoint
    from fleet.cache.metrics import CloudWatchMetrics
    from fleet.capacity.prices import read_prices
    from fleet.usage import ClientLogs, cold_share

    session, deployment = aws.deployment()
    group = deployment.require("client_log_group_name")
    endpoint = describe_endpoint(session, deployment.require("endpoint_name"))
    end = time.time()
    start = max(end - hours * 3600, endpoint.created)  # instances cost nothing before
    hours = (end - start) / 3600
    metrics = CloudWatchMetrics(session.client("cloudwatch"), endpoint)
    with Console(sys.stderr).busy("read what clients noted"):
        cold = cold_share(metrics, endpoint, start, end)
        cities = ClientLogs(session.client("logs"), group, start, end).usage(cold)
    listed = read_prices().instances.get(endpoint.instance_type)
    price = price_per_hour or (listed.hour if listed is not None else None)
    instance_seconds = endpoint.instance_count * hours * 3600
    cost = None if price is None else instance_seconds * price / 3600
    if as_json:
        facts = [
            {
                **asdict(each),
                "instance_seconds": round(each.share * instance_seconds, 1),
                "cost": None if cost is None else round(each.share * cost, 6),
            }
            for each in cities
        ]
        answer = {
            "hours": hours,
            "instances": endpoint.hardware,
            "instance_seconds": instance_seconds,
            "cost": cost,
            "cold_share": cold,
            "cities": facts,
        }
        print(json.dumps(answer, indent=2))
        return
    console = Console()
    rows = [
        [
            each.city,
            f"{each.requests:,}",
            f"{each.errors:,}",
            "-" if each.cold is None else f"{each.cold / max(1, each.requests):.0%}",
            f"{each.mean_ms:,.1f}",
            f"{each.p95_ms:,.1f}",
            f"{each.share:.1%}",
            f"{each.share * instance_seconds:,.0f}",
            "-" if cost is None else f"{each.share * cost:,.4f}",
        ]
        for each in cities[:SHOWN]
    ]
    facts_of = ["requests", "errors", "cold", "mean ms", "p95 ms", "share", "instance s", "$"]
    entity = project_schema().entity
    title = f"{counted(len(cities), entity)} asked in the last {hours:.3g} hours"
    console.table(title, [entity, *facts_of], rows)
    if len(cities) > SHOWN:
        console.say(f"and {len(cities) - SHOWN:,} more")
    console.say(
        f"cost: {endpoint.hardware}, as it is now, for {hours:.3g} hours, shared by the time that"
        f" requests took; cold: CloudWatch counted {'nothing' if cold is None else f'{cold:.1%}'},"
        " the slowest requests are taken for them"
    )


@click.command("drift", help="How far rows are from those that a model was trained on.")
@click.argument("city")
@click.option(
    "--csv",
    "file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Rows of today, the first line names the columns.",
)
@json_option
@aws_options
def drift_command(aws: Aws, city: str, file: Path, as_json: bool) -> None:
    from fleet.drift import SHIFTED, STABLE, stability_indices
    from training.reader import read_rows
    from training.table import columns_of

    with Console(sys.stderr).busy(f"read {file}"):
        rows = read_rows(file, project_schema(), with_label=False)
    registry = Stage.open(aws).registry
    item = known_city(registry, city)
    if item.serving is None:
        raise HousingError(f"no model of {city} serves")
    version = registry.version(item.city, item.serving)
    if not version.trained.columns:
        raise HousingError(f"{version.target_model} keeps no histograms of its training rows")
    indices = stability_indices(version.trained.columns, columns_of(rows.table))
    if as_json:
        answer = {"target_model": version.target_model, "rows": len(rows.table)}
        print(json.dumps({**answer, "columns": indices}, indent=2))
        return

    def word(index: float) -> str:
        return "stable" if index < STABLE else "shifted" if index > SHIFTED else "moving"

    ordered = sorted(indices.items(), key=lambda pair: -pair[1])
    Console().table(
        f"{counted(len(rows.table), project_schema().row)} against the training rows of"
        f" {version.target_model}",
        ["column", "population stability index", ""],
        [[name, f"{index:.3f}", word(index)] for name, index in ordered],
    )


@click.command("warm", help="Load models, after a deployment or scaling.")
@click.option("--city", "cities", multiple=True, metavar="CITY", help="Repeatable.  [default: all]")
@click.option(
    "--most", type=click.IntRange(min=1), metavar="N", help="Only the N that were asked most."
)
@hours_option
@click.option(
    "--times",
    type=click.IntRange(min=1, max=100),
    default=2,
    show_default=True,
    help="Invocations a model: SageMaker chooses the instance of each.",
)
@json_option
@aws_options
def warm_command(
    aws: Aws, cities: Sequence[str], most: int | None, hours: float, times: int, as_json: bool
) -> int:
    from fleet.client import runtime_client

    stage = Stage.open(aws)
    endpoint_name = stage.deployment.require("endpoint_name")
    names = list(map(entity_key, cities)) or (most and _busiest(stage, most, hours))
    registry = stage.registry
    found = registry.some_cities(names).values() if names else registry.cities()
    targets = [city.target_model for city in found if city.target_model][:most]
    served = {city.city for city in found if city.target_model}
    unserved = [f"no model of {name} serves" for name in names or () if name not in served]
    client = runtime_client(stage.session)
    row = project_schema().sample_row.encode()

    def warm(target: str) -> str | None:
        try:
            for _ in range(times):
                client.invoke_endpoint(
                    EndpointName=endpoint_name,
                    TargetModel=target,
                    ContentType="text/csv",
                    Body=row,
                )
        except client.exceptions.ClientError as error:
            return f"{target}: {error}"
        return None

    console = Console(sys.stderr)
    loading = f"load {counted(len(targets), 'model')}"
    with console.busy(loading), ThreadPoolExecutor(WARMING_THREADS) as threads:
        failures = [failure for failure in threads.map(warm, targets) if failure]
    loaded = len(targets) - len(failures)
    failures += unserved
    print_lines(failures, sys.stderr)
    facts = {"warmed": loaded, "target_models": targets, "failures": failures}
    say(facts, as_json, f"{loaded} models are loaded")
    return FAILED if failures else SUCCEEDED


def _busiest(stage: Stage, most: int, hours: float) -> list[str]:
    """The cities that were asked most.

    Raises
    ------
    HousingError
        Clients noted nothing.
    """
    from fleet.usage import ClientLogs

    group = stage.deployment.require("client_log_group_name")
    now = time.time()
    logs = ClientLogs(stage.session.client("logs"), group, now - hours * 3600, now)
    busiest = logs.busiest(most)
    if not busiest:
        raise HousingError(
            f"clients noted no request in the last {hours:g} hours; name models with --city, or"
            " leave --most out"
        )
    return busiest

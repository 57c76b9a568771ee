"""What the registry says of models: lists them, shows a city's versions, compares two."""

import json
import sys
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

import click

from fleet.console import Console
from fleet.names import entity_key
from fleet.project import project_schema
from fleet.registry_reader import RegistryError
from fleet.serving import known_city
from fleet.versions import City, State, Version
from fleet.words import counted, with_unit
from scripts.command import LINES_SHOWN, Aws, aws_options, json_option
from scripts.model_stage import Stage
from scripts.model_tables import (
    city_as_json,
    city_row,
    number,
    remarks,
    summary,
    version_as_json,
    version_row,
)


@click.command("list", help="The cities, and which version of each serves.")
@click.option("--city", "pattern", default="*", metavar="PATTERN", help="For example 'New*'.")
@click.option("--forgotten", is_flag=True, help="Those that were forgotten.")
@click.option("--idle", is_flag=True, help="Those of which no version serves.")
@click.option("--preprocessor", metavar="DIGEST", help="Of this digest, or a part of it.")
@click.option("--error-above", type=float, metavar="NUMBER", help="On validation rows.")
@json_option
@aws_options
def list_command(
    aws: Aws,
    pattern: str,
    forgotten: bool,
    idle: bool,
    preprocessor: str | None,
    error_above: float | None,
    as_json: bool,
) -> None:
    def is_wanted(city: City) -> bool:
        trained = city.trained
        return (
            fnmatchcase(city.city, pattern)
            and bool(city.forgotten) == forgotten
            and (not idle or trained is None)
            and (
                preprocessor is None
                or (trained is not None and preprocessor in trained.preprocessor_url)
            )
            and (
                error_above is None
                or (trained is not None and trained.metrics.get("mae", 0) > error_above)
            )
        )

    with Console(sys.stderr).busy("read the registry"):
        cities = [city for city in Stage.open(aws).registry.cities() if is_wanted(city)]
    if as_json:
        print(json.dumps([city_as_json(city) for city in cities], indent=2))
        return
    schema = project_schema()
    errors = [with_unit(e, schema.label.unit) for e in ("error", "median", "least squares")]
    facts = ["version", "since", *errors, "distance", "rows", "bytes", "preprocessor"]
    console = Console()
    shown = cities[:LINES_SHOWN] if console.is_terminal else cities
    rows = [city_row(city) for city in shown]
    console.table(counted(len(cities), schema.entity), [schema.entity, *facts], rows)
    if more := len(cities) - len(shown):
        console.say(f"and {more:,} more; --city 'New*' chooses, --json has all, and so has a pipe")


@click.command("show", help="A city's versions, and what the gate said of each.")
@click.argument("city")
@json_option
@aws_options
def show_command(aws: Aws, city: str, as_json: bool) -> None:
    registry = Stage.open(aws).registry
    item = known_city(registry, city)
    versions = registry.versions(item.city)
    if as_json:
        print(
            json.dumps(
                {**city_as_json(item), "versions": [version_as_json(v) for v in versions]},
                indent=2,
            )
        )
        return
    console = Console()
    unit = project_schema().label.unit
    errors = [with_unit(name, unit) for name in ("error", "median", "least squares")]
    columns = ["version", "state", "recorded", *errors, "rows"]
    rows = [version_row(version) for version in versions]
    console.table(f"{item.title}: {summary(item)}", columns, rows)
    for version in versions:
        for line in remarks(version):
            console.say(f"version {version.number}: {line}")


@click.command("diff", help="Two versions of a city's model side by side.")
@click.argument("city")
@click.argument("a", type=click.IntRange(min=1))
@click.argument("b", type=click.IntRange(min=1))
@json_option
@aws_options
def diff_command(aws: Aws, city: str, a: int, b: int, as_json: bool) -> None:
    stage = Stage.open(aws)
    pair = [stage.registry.version(entity_key(city), number) for number in (a, b)]
    rows = list(_differences(stage, pair))
    if as_json:
        print(
            json.dumps(
                [dict(zip(("what", str(a), str(b)), row, strict=True)) for row in rows], indent=2
            )
        )
        return
    table = [[what, number(first), number(second)] for what, first, second in rows]
    Console().table(city, ["", f"version {a}", f"version {b}"], table)


def _differences(stage: Stage, pair: Sequence[Version]) -> Iterator[tuple[str, Any, Any]]:
    from training.linear_learner.artifact import read_artifact_bytes

    first, second = (version.trained for version in pair)
    for name in sorted({*first.metrics, *second.metrics}):
        yield name, first.metrics.get(name), second.metrics.get(name)
    for name in sorted({*first.baselines, *second.baselines}):
        yield name, first.baselines.get(name), second.baselines.get(name)
    yield "training rows", first.train_rows, second.train_rows
    s3 = stage.session.client("s3")
    models = []
    for version in pair:
        if version.state is State.DELETED:
            raise RegistryError(f"version {version.number} of {version.city} is deleted")
        key = version.key if version.promoted else version.trained.artifact_key
        body = s3.get_object(Bucket=stage.bucket, Key=key)["Body"].read()
        models.append(read_artifact_bytes(body))
    one, other = models
    yield "bias", float(one.bias[0]), float(other.bias[0])
    for index in range(max(one.feature_dim, other.feature_dim)):
        weights = [
            float(model.weights[index, 0]) if index < model.feature_dim else None
            for model in models
        ]
        yield f"weight {index + 1}", weights[0], weights[1]

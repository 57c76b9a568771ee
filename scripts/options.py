"""Options that several commands share: which rows, and how to run the jobs."""

import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any

import click

from fleet.console import Console
from fleet.errors import HousingError
from fleet.names import entity_key
from fleet.project import project_schema
from fleet.schema import HOUSES
from scripts.command import FAILED, SUCCEEDED, Function, assignment
from training.entities import EntityTables, read_entities
from training.fleet_trainer.recipe import LINEAR_LEARNER_DEFAULTS
from training.houses import CITIES, HOUSES_PER_CITY, Market
from training.pipeline import Settings
from training.sheet import RowsError

POSITIVE = click.IntRange(min=1)


@dataclass(frozen=True)
class RowOptions:
    """Which rows to train on: those of files, or houses drawn from a market."""

    market: Market
    houses_per_city: int
    data: Path | None = None

    def read(self, entities: Sequence[str] = ()) -> EntityTables:
        """The rows of these cities; of all in the files, or of the ten cities, without any.

        Files that cannot be used are told on standard error, and the others are used.

        Raises
        ------
        HousingError
            No file can be used, or a city has none.
        """
        schema = project_schema()
        keys = [entity_key(entity) for entity in entities]
        if self.data is None:
            if schema != HOUSES:
                raise HousingError(f"give the rows: --data FILE or FOLDER of {schema.row}s")
            cities = keys or CITIES
            drawn = {city: self.market.houses(city, self.houses_per_city) for city in cities}
            return EntityTables(drawn)
        with Console(sys.stderr).busy(f"read {self.data}"):
            read = read_entities(self.data, schema)
        for line in read.notes:
            print(line, file=sys.stderr)
        if read.problems:
            print(f"{RowsError(read.problems)}\nThe others are used.", file=sys.stderr)
        missing = [key for key in keys if key not in read.tables]
        if missing:
            raise HousingError(f"{self.data} has no usable {schema.entity} {', '.join(missing)}")
        chosen = {key: read.tables[key] for key in keys} or read.tables
        return replace(read, tables=chosen)


def say_left_out(left_out: Collection[str]) -> int:
    """Say last what a run has left out, where it would be lost above; the exit status of the run.

    A run that leaves rows out has not done what it was asked to.
    """
    if not left_out:
        return SUCCEEDED
    print(f"left out, as told above: {', '.join(left_out)}", file=sys.stderr)
    return FAILED


def entity_option(
    help_text: str, *, required: bool = False, multiple: bool = False
) -> Callable[[Function], Function]:
    """``--city``, also under the word of the schema; the function gets ``city`` or ``cities``."""
    entity = project_schema().entity.lower().replace(" ", "-")
    names = ["--city", *([f"--{entity}"] if entity != "city" else [])]
    return click.option(
        *names,
        "cities" if multiple else "city",
        required=required,
        multiple=multiple,
        metavar="NAME",
        help=help_text,
    )


def row_options(function: Function) -> Function:
    """Add the options that say which rows to train on; the function gets ``rows``."""

    @click.option(
        "--data",
        type=click.Path(exists=True, path_type=Path),
        metavar="PATH",
        help="Folder with a CSV file for each city, or a file with a column that tells it.",
    )
    @click.option(
        "--market",
        type=click.Choice(["cities", "notebook"]),
        default="cities",
        show_default=True,
        help="Prices by city, or the notebook's one formula.",
    )
    @click.option(
        "--houses",
        "houses_per_city",
        type=POSITIVE,
        default=HOUSES_PER_CITY,
        show_default=True,
        metavar="N",
        help="Houses a city.",
    )
    @click.option(
        "--noise",
        type=click.FloatRange(min=0, max=1),
        default=0.0,
        metavar="SHARE",
        help="0.02 is 2 %.",
    )
    @click.option(
        "--seed",
        type=click.IntRange(min=0),
        default=0,
        show_default=True,
        metavar="N",
        help="Of the houses drawn.",
    )
    @wraps(function)
    def with_rows(
        *,
        data: Path | None,
        market: str,
        houses_per_city: int,
        noise: float,
        seed: int,
        **rest: Any,
    ) -> Any:
        drawn = Market.notebook(seed) if market == "notebook" else Market(noise=noise, seed=seed)
        return function(rows=RowOptions(drawn, houses_per_city, data), **rest)

    return with_rows


def job_options(function: Function) -> Function:
    """Add the options that say how to run the jobs; the function gets ``settings``."""

    @click.option(
        "--instance-type",
        default=Settings.instance_type,
        show_default=True,
        metavar="TYPE",
        help="Of the jobs.",
    )
    @click.option(
        "--max-jobs",
        type=POSITIVE,
        default=Settings.max_in_flight,
        show_default=True,
        metavar="N",
        help="Training jobs at once.",
    )
    @click.option("--retrain", is_flag=True, help="Also what is trained already.")
    @click.option(
        "--hyperparameter",
        "hyperparameters",
        multiple=True,
        callback=assignment,
        metavar="NAME=VALUE",
        help="Of Linear Learner; repeatable.",
    )
    @wraps(function)
    def with_settings(
        *,
        instance_type: str,
        max_jobs: int,
        retrain: bool,
        hyperparameters: dict[str, str],
        **rest: Any,
    ) -> Any:
        settings = Settings(
            instance_type=instance_type,
            max_in_flight=max_jobs,
            hyperparameters={**LINEAR_LEARNER_DEFAULTS, **hyperparameters},
            again=retrain,
        )
        return function(settings=settings, **rest)

    return with_settings

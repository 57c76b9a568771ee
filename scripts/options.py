"""Options that several commands share: which houses, and how to run the jobs."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from fleet.errors import HousingError
from fleet.names import check_entity
from scripts.command import Function, assignment
from training.house_files import read_city_folder
from training.houses import CITIES, HOUSES_PER_CITY, Houses, Market
from training.pipeline import LINEAR_LEARNER_DEFAULTS, Settings

POSITIVE = click.IntRange(min=1)


@dataclass(frozen=True)
class HouseOptions:
    """Which houses to train on: those of a folder of files, or drawn from a market."""

    market: Market
    houses_per_city: int
    data: Path | None = None

    def houses(self, cities: Sequence[str]) -> dict[str, Houses]:
        """The houses of these cities; of all files, or of the ten cities, where none is given.

        Raises
        ------
        HousingError
            A file cannot be used, or a city has none.
        """
        if self.data is None:
            names = [check_entity(city) for city in cities or CITIES]
            return {city: self.market.houses(city, self.houses_per_city) for city in names}
        folder = read_city_folder(self.data)
        missing = [city for city in cities if city not in folder]
        if missing:
            raise HousingError(f"{self.data} has no file for {', '.join(missing)}")
        return {city: folder[city] for city in cities} if cities else folder


def house_options(function: Function) -> Function:
    """Add the options that say which houses to train on; the function gets ``house_options``."""

    @click.option(
        "--data",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        metavar="FOLDER",
        help="Folder with a <City>.csv each, header first.",
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
    def with_houses(
        *,
        data: Path | None,
        market: str,
        houses_per_city: int,
        noise: float,
        seed: int,
        **rest: Any,
    ) -> Any:
        drawn = Market.notebook(seed) if market == "notebook" else Market(noise=noise, seed=seed)
        return function(house_options=HouseOptions(drawn, houses_per_city, data), **rest)

    return with_houses


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

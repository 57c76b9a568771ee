"""Options that several scripts share: which houses, and how to run the jobs."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from fleet.errors import HousingError
from fleet.names import check_entity
from scripts.command import not_negative, not_negative_number, positive
from training.house_files import read_city_folder
from training.houses import CITIES, HOUSES_PER_CITY, Houses, Market
from training.pipeline import LINEAR_LEARNER_DEFAULTS, Settings


def add_house_options(parser: argparse.ArgumentParser) -> None:
    """Options that say which houses to train on."""
    parser.add_argument(
        "--data", type=Path, metavar="FOLDER", help="folder with a <City>.csv each, header first"
    )
    parser.add_argument(
        "--market",
        choices=("cities", "notebook"),
        default="cities",
        help="prices by city, or the notebook's one formula (default: cities)",
    )
    parser.add_argument(
        "--houses",
        type=positive,
        default=HOUSES_PER_CITY,
        metavar="N",
        help=f"houses a city (default: {HOUSES_PER_CITY})",
    )
    parser.add_argument(
        "--noise", type=not_negative_number, default=0.0, metavar="SHARE", help="0.02 is 2 %%"
    )
    parser.add_argument("--seed", type=not_negative, default=0, metavar="N", help="default: 0")


def add_job_options(parser: argparse.ArgumentParser) -> None:
    """Options that say how to run the jobs."""
    parser.add_argument(
        "--instance-type",
        default=Settings.instance_type,
        metavar="TYPE",
        help=f"of the jobs (default: {Settings.instance_type})",
    )
    parser.add_argument(
        "--max-jobs",
        type=positive,
        default=Settings.max_in_flight,
        metavar="N",
        help=f"training jobs at once (default: {Settings.max_in_flight})",
    )
    parser.add_argument("--retrain", action="store_true", help="also what is trained already")
    parser.add_argument(
        "--hyperparameter",
        action="append",
        type=_assignment,
        default=[],
        metavar="NAME=VALUE",
        help="of Linear Learner, repeatable",
    )


def settings_of(options: argparse.Namespace) -> Settings:
    """The job settings that the options ask for."""
    return Settings(
        instance_type=options.instance_type,
        max_in_flight=options.max_jobs,
        hyperparameters={**LINEAR_LEARNER_DEFAULTS, **dict(options.hyperparameter)},
        again=options.retrain,
    )


def market_of(options: argparse.Namespace) -> Market:
    """The market that the options ask for."""
    if options.market == "notebook":
        return Market.notebook(options.seed)
    return Market(noise=options.noise, seed=options.seed)


def houses_of(options: argparse.Namespace, cities: Sequence[str]) -> dict[str, Houses]:
    """The houses of these cities, drawn or read; with ``--data`` and no city, of all files."""
    if options.data is None:
        market = market_of(options)
        return {
            check_entity(city): market.houses(city, options.houses) for city in cities or CITIES
        }
    folder = read_city_folder(options.data)
    missing = [city for city in cities if city not in folder]
    if missing:
        raise HousingError(f"{options.data} has no file for {', '.join(missing)}")
    return {city: folder[city] for city in cities} if cities else folder


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value

"""Predicts the price of a house, or of each house in a CSV file."""

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from fleet.cache.request_trace import print_trace, trace_requests
from fleet.console import Console
from fleet.deployment import Deployment
from fleet.errors import HousingError
from fleet.project import deploy_command
from fleet.registry import Registry
from fleet.serving import numbered_version, serving_version
from fleet.versions import Version
from scripts.command import SUCCEEDED, Aws, Function, aws_options, json_option, main, make_command
from scripts.options import POSITIVE
from training.endpoint import Prediction, endpoint_preprocessor, predict, runtime_client
from training.house_files import PARSERS, read_houses
from training.houses import FEATURE_COLUMNS, Houses

if TYPE_CHECKING:
    import boto3

DEFAULTS = ("2000", "3000", "3", "2", "1.0", "2", "n", "y")


def option_of(column: str) -> str:
    """``--square-feet`` for the column SQUARE_FEET."""
    return "--" + column.lower().replace("_", "-")


def house_feature_options(function: Function) -> Function:
    """Add an option for each feature of one house."""
    for column, default in reversed(list(zip(FEATURE_COLUMNS, DEFAULTS, strict=True))):
        option = click.option(
            option_of(column), default=default, show_default=True, metavar="VALUE"
        )
        function = option(function)
    return function


@make_command(__doc__, "housing predict --city Chicago_IL --square-feet 2400 --front-porch y")
@click.option("--city", required=True, help="For example NewYork_NY.")
@click.option(
    "--csv",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="File of houses, first line names the columns; instead of one house.",
)
@click.option(
    "--model-version",
    type=POSITIVE,
    metavar="N",
    help="Of the model.  [default: what serves]",
)
@house_feature_options
@click.option("--trace", is_flag=True, help="Also show where the time went; waits for CloudWatch.")
@json_option
@aws_options
def command(
    aws: Aws,
    city: str,
    csv: Path | None,
    model_version: int | None,
    trace: bool,
    as_json: bool,
    **features: str,
) -> int:
    houses = _one_house(features) if csv is None else read_houses(csv, with_price=False)
    session, deployment = aws.deployment()
    endpoint_name = deployment.require("endpoint_name")
    model = _choose_version(city, model_version, session, deployment).target_model
    started = time.time()
    prediction = predict(runtime_client(session), endpoint_name, model, houses)
    if as_json:
        print(json.dumps(_as_json(model, prediction)))
    else:
        _print(Console(), model, houses, prediction)
    if trace:
        traced = trace_requests(session, endpoint_name, started, prediction.seconds)
        print_trace(Console(sys.stderr if as_json else None), traced)
    return SUCCEEDED


def _one_house(features: Mapping[str, str]) -> Houses:
    values = []
    for column in FEATURE_COLUMNS:
        try:
            values.append(PARSERS[column](features[column.lower()]))
        except ValueError as error:
            raise HousingError(f"{option_of(column)}: {error}") from None
    return Houses(*(np.array([value]) for value in values))


def _choose_version(
    city: str, number: int | None, session: "boto3.Session", deployment: Deployment
) -> Version:
    """The version asked for, or that which serves and fits the endpoint's preprocessor."""
    registry = Registry(session.client("dynamodb"), deployment.require("registry_table_name"))
    preprocessor = endpoint_preprocessor(
        session.client("sagemaker"), deployment.require("endpoint_name")
    )
    if number is None:
        choice = serving_version(registry, city, preprocessor)
    else:
        choice = numbered_version(registry, city, number, preprocessor)
    if choice.waiting is not None:
        print(
            f"{choice.waiting.target_model} was trained with another preprocessor than the "
            f"endpoint runs; to bring it there: {deploy_command(deployment.stage, 'hosting')}",
            file=sys.stderr,
        )
    if choice.version is None:
        raise HousingError(f"no such version of {city} fits the endpoint's preprocessor")
    return choice.version


def _as_json(model: str, prediction: Prediction) -> dict[str, object]:
    return {
        "target_model": model,
        "prices": [round(price, 2) for price in prediction.prices.tolist()],
        "milliseconds": [round(1000 * seconds, 3) for seconds in prediction.seconds],
    }


def _print(console: Console, model: str, houses: Houses, prediction: Prediction) -> None:
    rows = [
        [*line.split(","), f"{price:,.0f}"]
        for line, price in zip(
            houses.without_price().to_csv().splitlines(), prediction.prices, strict=True
        )
    ]
    columns = [column.lower().replace("_", " ") for column in FEATURE_COLUMNS]
    console.table(model, [*columns, "predicted price $"], rows)
    milliseconds = ", ".join(f"{1000 * seconds:.1f} ms" for seconds in prediction.seconds)
    console.say(f"latency: {milliseconds}  (--trace tells whether the model was cold)")


if __name__ == "__main__":
    main(command, "predict")

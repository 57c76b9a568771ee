"""Predicts the price of a house, or of each house in a CSV file."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fleet.cache.request_trace import print_trace, trace_requests
from fleet.console import Console
from fleet.deployment import Deployment
from fleet.errors import HousingError
from fleet.names import stack_name
from scripts.command import (
    SUCCEEDED,
    make_parser,
    open_deployment,
    positive,
    run_command,
)
from training.endpoint import Prediction, endpoint_preprocessor, predict, runtime_client
from training.house_files import PARSERS, read_houses
from training.houses import FEATURE_COLUMNS, Houses
from training.publish import (
    PublishedModel,
    preprocessor_of_model,
    published_cities,
    versions,
)

if TYPE_CHECKING:
    import boto3

DEFAULTS = ("2000", "3000", "3", "2", "1.0", "2", "n", "y")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    return run_command(_parser(), _predict, arguments)


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "predict",
        __doc__ or "",
        "python -m scripts.predict --city Chicago_IL --square-feet 2400 --front-porch y",
    )
    parser.add_argument("--city", required=True, help="for example NewYork_NY")
    parser.add_argument(
        "--csv", type=Path, metavar="FILE", help="file of houses, first line names the columns"
    )
    parser.add_argument(
        "--model-version", type=positive, metavar="N", help="of the model (default: the latest)"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument(
        "--trace", action="store_true", help="also show where the time went; waits for CloudWatch"
    )
    house = parser.add_argument_group("one house, without --csv")
    for column, default in zip(FEATURE_COLUMNS, DEFAULTS, strict=True):
        house.add_argument(
            option_of(column), dest=column, default=default, metavar="", help=f"default: {default}"
        )
    return parser


def option_of(column: str) -> str:
    """``--square-feet`` for the column SQUARE_FEET."""
    return "--" + column.lower().replace("_", "-")


def _predict(options: argparse.Namespace) -> int:
    houses = _houses(options)
    session, deployment = open_deployment(options)
    endpoint_name = deployment.require("endpoint_name")
    model = _choose_model(options, session, deployment).target_model
    started = time.time()
    prediction = predict(runtime_client(session), endpoint_name, model, houses)
    if options.json:
        print(json.dumps(_as_json(model, prediction)))
    else:
        _print(Console(), model, houses, prediction)
    if options.trace:
        trace = trace_requests(session, endpoint_name, started, prediction.seconds)
        print_trace(Console(sys.stderr if options.json else None), trace)
    return SUCCEEDED


def _houses(options: argparse.Namespace) -> Houses:
    if options.csv is not None:
        return read_houses(options.csv, with_price=False)
    values = []
    for column in FEATURE_COLUMNS:
        try:
            values.append(PARSERS[column](getattr(options, column)))
        except ValueError as error:
            raise HousingError(f"{option_of(column)}: {error}") from None
    return Houses(*(np.array([value]) for value in values))


def _choose_model(
    options: argparse.Namespace, session: "boto3.Session", deployment: Deployment
) -> PublishedModel:
    """The version asked for, or the latest whose features the endpoint's preprocessor makes."""
    s3 = session.client("s3")
    bucket = deployment.require("bucket_name")
    published = versions(s3, bucket, options.city)
    if not published:
        cities = ", ".join(published_cities(s3, bucket)) or "none"
        raise HousingError(f"no model of {options.city} is published; cities that have: {cities}")
    if options.model_version and options.model_version not in published:
        numbers = ", ".join(map(str, published))
        raise HousingError(
            f"{options.city} has no version {options.model_version}; it has {numbers}"
        )
    serving = endpoint_preprocessor(
        session.client("sagemaker"), deployment.require("endpoint_name")
    )
    wanted = [options.model_version] if options.model_version else published[::-1]
    for version in wanted:
        model = PublishedModel(options.city, version)
        if preprocessor_of_model(s3, bucket, model) in (serving, None):
            return model
        print(
            f"{model.target_model} was trained with another preprocessor than the endpoint runs; "
            f"to bring it there: npx cdk deploy {stack_name(deployment.stage, 'hosting')}",
            file=sys.stderr,
        )
    raise HousingError(f"no such version of {options.city} fits the endpoint's preprocessor")


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
    sys.exit(main())

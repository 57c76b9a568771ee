"""Trains one more city and adds it to the live endpoint, without a deployment."""

import argparse
import sys
from collections.abc import Sequence

from fleet.console import Console
from fleet.errors import HousingError
from scripts.command import (
    FAILED,
    SUCCEEDED,
    make_parser,
    open_deployment,
    open_workspace,
    run_command,
)
from scripts.options import add_house_options, add_job_options, houses_of, settings_of
from scripts.training_run import Training, published_preprocessor, train_and_publish
from training.endpoint import absolute_error, predict, runtime_client
from training.houses import Houses
from training.pipeline import Settings
from training.workspace import Workspace


def train_city(
    workspace: Workspace, city: str, houses: Houses, settings: Settings, console: Console
) -> Training:
    """Train and publish one city with the preprocessor that the endpoint uses."""
    url = published_preprocessor(workspace)
    if url is None:
        raise HousingError(
            f"no preprocessor is published in {workspace.parameter}; run: python -m scripts.train"
        )
    return train_and_publish(workspace, {city: houses}, settings, console, preprocessor_url=url)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    return run_command(_parser(), _add_model, arguments)


def _parser() -> argparse.ArgumentParser:
    parser = make_parser("add_model", __doc__ or "", "python -m scripts.add_model --city Boston_MA")
    parser.add_argument("--city", required=True, help="for example Boston_MA")
    add_house_options(parser)
    add_job_options(parser)
    return parser


def _add_model(options: argparse.Namespace) -> int:
    console = Console()
    city: str = options.city
    houses = houses_of(options, [city])[city]
    session, deployment = open_deployment(options)
    endpoint_name = deployment.require("endpoint_name")
    workspace = open_workspace(session, deployment)
    training = train_city(workspace, city, houses, settings_of(options), console)
    if city in training.failures:
        print(f"{city}: {training.failures[city]}", file=sys.stderr)
        return FAILED
    model = training.models[city].target_model
    test = training.dataset.test[city]
    with console.step(f"invoke {model}") as step:
        prediction = predict(runtime_client(session), endpoint_name, model, test)
        if test.price is not None and len(test):
            error = absolute_error(prediction.prices, test.price)
            step.detail = f"MAE ${error:,.0f} on {len(test)} houses"
    return SUCCEEDED


if __name__ == "__main__":
    sys.exit(main())

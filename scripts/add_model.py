"""Trains one more city and adds it to the live endpoint, without a deployment."""

import sys

import click

from fleet.console import Console
from fleet.errors import HousingError
from scripts.command import (
    FAILED,
    SUCCEEDED,
    Aws,
    aws_options,
    main,
    make_command,
    open_workspace,
    spelled,
)
from scripts.options import HouseOptions, house_options, job_options
from scripts.training_run import Training, published_preprocessor, train_and_publish
from training.endpoint import absolute_error, predict, runtime_client
from training.houses import Houses
from training.pipeline import Settings
from training.workspace import Workspace


def train_city(
    workspace: Workspace,
    city: str,
    houses: Houses,
    settings: Settings,
    console: Console,
    *,
    force: bool = False,
) -> Training:
    """Train and publish one city with the preprocessor that the endpoint uses."""
    url = published_preprocessor(workspace)
    if url is None:
        train = spelled("housing train")
        raise HousingError(f"no preprocessor is published in {workspace.parameter}; run: {train}")
    return train_and_publish(
        workspace, {city: houses}, settings, console, preprocessor_url=url, force=force
    )


@make_command(__doc__, "housing add-model --city Boston_MA")
@click.option("--city", required=True, help="For example Boston_MA.")
@click.option("--force", is_flag=True, help="Let a model serve that the gate refuses.")
@click.option("--readmit", is_flag=True, help="Let a city in again that was forgotten.")
@house_options
@job_options
@aws_options
def command(
    aws: Aws,
    city: str,
    force: bool,
    readmit: bool,
    house_options: HouseOptions,
    settings: Settings,
) -> int:
    console = Console()
    houses = house_options.houses([city])[city]
    session, deployment = aws.deployment()
    endpoint_name = deployment.require("endpoint_name")
    workspace = open_workspace(session, deployment)
    if readmit:
        workspace.registry.readmit(city)
    training = train_city(workspace, city, houses, settings, console, force=force)
    if city in training.failures:
        print(f"{city}: {training.failures[city]}", file=sys.stderr)
        return FAILED
    model = training.models[city]
    test = training.dataset.test[city]
    with console.step(f"invoke {model}") as step:
        prediction = predict(runtime_client(session), endpoint_name, model, test)
        if test.price is not None and len(test):
            error = absolute_error(prediction.prices, test.price)
            step.detail = f"MAE ${error:,.0f} on {len(test)} houses"
    return SUCCEEDED


if __name__ == "__main__":
    main(command, "add_model")

"""Trains one more city and adds it to the live endpoint, without a deployment."""

import sys

import click

from fleet.client import runtime_client
from fleet.console import Console
from fleet.errors import HousingError
from fleet.project import spelled
from fleet.words import counted
from scripts.command import (
    FAILED,
    Aws,
    aws_options,
    main,
    make_command,
    open_workspace,
)
from scripts.options import RowOptions, entity_option, job_options, row_options, say_left_out
from training.endpoint import predict
from training.entities import EntityTables
from training.judgement import judge
from training.pipeline import Settings
from training.run import Training, published_preprocessor, train_and_publish
from training.workspace import Workspace


def train_city(
    workspace: Workspace,
    city: EntityTables,
    settings: Settings,
    console: Console,
    *,
    force: bool = False,
) -> Training:
    """Train and publish one city with the preprocessor that the endpoint uses.

    Raises
    ------
    HousingError
    """
    url = published_preprocessor(workspace)
    if url is None:
        train = spelled("housing train")
        raise HousingError(f"no preprocessor is published in {workspace.parameter}; run: {train}")
    return train_and_publish(workspace, city, settings, console, preprocessor_url=url, force=force)


@make_command(__doc__, "housing add-model --city Boston_MA")
@entity_option("For example Boston_MA.", required=True)
@click.option("--force", is_flag=True, help="Let a model serve that the gate refuses.")
@click.option("--readmit", is_flag=True, help="Let a city in again that was forgotten.")
@row_options
@job_options
@aws_options
def command(
    aws: Aws,
    city: str,
    force: bool,
    readmit: bool,
    rows: RowOptions,
    settings: Settings,
) -> int:
    console = Console()
    read = rows.read([city])
    [city] = read.tables
    session, deployment = aws.deployment()
    endpoint_name = deployment.require("endpoint_name")
    workspace = open_workspace(session, deployment)
    if readmit:
        workspace.registry.readmit(city)
    training = train_city(workspace, read, settings, console, force=force)
    if city in training.failures:
        print(f"{city}: {training.failures[city]}", file=sys.stderr)
        return FAILED
    model = training.models[city]
    test = training.dataset.test[city]
    with console.step(f"invoke {model}") as step:
        prediction = predict(runtime_client(session), endpoint_name, model, test)
        if len(test):
            step.detail = f"{judge(prediction, test).line} ({counted(len(test), test.schema.row)})"
    return say_left_out(read.left_out)


if __name__ == "__main__":
    main(command, "add_model")

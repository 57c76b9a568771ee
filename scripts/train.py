"""Trains one model per city and publishes them to the endpoint's bucket."""

import json
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import click

from fleet.console import Console
from fleet.errors import HousingError
from fleet.names import Prefix
from fleet.project import deploy_command
from scripts.command import (
    FAILED,
    SUCCEEDED,
    Aws,
    aws_options,
    json_option,
    main,
    make_command,
    open_workspace,
)
from scripts.options import HouseOptions, house_options, job_options
from scripts.training_run import Training, published_preprocessor, train_and_publish
from training.houses import Houses
from training.pipeline import Settings
from training.publish import PublishedModel, published_cities, versions
from training.workspace import Workspace


@make_command(__doc__, "housing train --city Chicago_IL --city Houston_TX")
@click.option("--city", "cities", multiple=True, metavar="CITY", help="Repeatable.  [default: all]")
@click.option(
    "--refit-preprocessor",
    is_flag=True,
    help="Fit a new preprocessor on these houses, although one is published.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done.")
@house_options
@job_options
@json_option
@aws_options
def command(
    aws: Aws,
    cities: Sequence[str],
    house_options: HouseOptions,
    settings: Settings,
    refit_preprocessor: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    console = Console(sys.stderr if as_json else None)
    houses = house_options.houses(cities)
    session, deployment = aws.deployment()
    workspace = open_workspace(session, deployment)
    url = _preprocessor_to_use(workspace, houses, refit=refit_preprocessor)
    if dry_run:
        plan = _plan(workspace, houses, settings, url)
        print(json.dumps(plan, indent=2) if as_json else "\n".join(_plan_lines(plan)))
        return SUCCEEDED
    training = train_and_publish(workspace, houses, settings, console, preprocessor_url=url)
    if as_json:
        print(json.dumps(_as_json(training), indent=2))
    else:
        _print(training, console)
    if training.preprocessor_is_new and deployment.endpoint_name:
        command = deploy_command(aws.stage, "hosting")
        console.say(f"The endpoint gets the new preprocessor with: {command}")
    for city, reason in training.failures.items():
        print(f"{city}: {reason}", file=sys.stderr)
    return FAILED if training.failures else SUCCEEDED


def _preprocessor_to_use(
    workspace: Workspace, cities: Collection[str], *, refit: bool
) -> str | None:
    """The published preprocessor; None where one is to be fitted.

    All models behind an endpoint share one preprocessor, so that a new one needs all of them anew.
    """
    current = published_preprocessor(workspace)
    if current is None or not refit:
        return current
    left_out = set(published_cities(workspace.s3, workspace.bucket)) - set(cities)
    if left_out:
        raise HousingError(
            "a new preprocessor needs new models of all published cities; left out are: "
            + ", ".join(sorted(left_out))
        )
    return None


def _plan(
    workspace: Workspace,
    houses: Mapping[str, Houses],
    settings: Settings,
    preprocessor_url: str | None,
) -> dict[str, object]:
    latest = {
        city: max(versions(workspace.s3, workspace.bucket, city), default=0) for city in houses
    }
    return {
        "houses": sum(map(len, houses.values())),
        "upload_to": workspace.url(Prefix.RAW),
        "preprocessor": preprocessor_url,
        "preprocessor_parameter": workspace.parameter,
        "instance_type": settings.instance_type,
        "jobs_at_a_time": settings.max_in_flight,
        "models": {
            city: {
                "publish": workspace.url(PublishedModel(city, version + 1).key),
                "unless_equal_to_version": version or None,
            }
            for city, version in latest.items()
        },
    }


def _plan_lines(plan: Mapping[str, Any]) -> Iterator[str]:
    url = plan["preprocessor"]
    yield f"upload {plan['houses']:,} houses to {plan['upload_to']}"
    if url is None:
        parameter = plan["preprocessor_parameter"]
        yield f"fit one preprocessor on all of them and store its URL in {parameter}"
    yield f"transform them with {url or 'it'} in one batch transform job"
    yield (
        f"train {len(plan['models'])} models on {plan['instance_type']}, "
        f"{plan['jobs_at_a_time']} at a time, where they are not trained already"
    )
    for model in plan["models"].values():
        version = model["unless_equal_to_version"]
        yield f"publish {model['publish']}" + (
            f", unless it equals version {version}" if version else ""
        )


def _as_json(training: Training) -> dict[str, object]:
    return {
        "preprocessor": training.preprocessor_url,
        "models": {
            city: {
                "target_model": model.target_model,
                "job": training.jobs[city].name,
                "new": model.is_new,
                "validation_absolute_loss": training.validation_loss(city),
            }
            for city, model in training.models.items()
        },
        "failures": training.failures,
    }


def _print(training: Training, console: Console) -> None:
    rows = []
    for city, model in training.models.items():
        loss = training.validation_loss(city)
        rows.append(
            [
                city,
                f"{len(training.dataset.train[city]):,}",
                "-" if loss is None else f"{loss:,.0f}",
                model.target_model,
                "new" if model.is_new else "as before",
            ]
        )
    console.table("Models", ["city", "train houses", "validation loss $", "target model", ""], rows)


if __name__ == "__main__":
    main(command, "train")

"""Trains one model per city and publishes them to the endpoint's bucket."""

import argparse
import json
import sys
from collections.abc import Collection, Mapping, Sequence

from fleet.console import Console
from fleet.errors import HousingError
from fleet.names import stack_name
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
from training.houses import Houses
from training.pipeline import Settings
from training.publish import PublishedModel, published_cities, versions
from training.workspace import Workspace


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    return run_command(_parser(), _train, arguments)


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "train", __doc__ or "", "python -m scripts.train --city Chicago_IL --city Houston_TX"
    )
    add_house_options(parser)
    add_job_options(parser)
    parser.add_argument(
        "--city", action="append", metavar="CITY", help="repeatable (default: all ten)"
    )
    parser.add_argument(
        "--refit-preprocessor",
        action="store_true",
        help="fit a new preprocessor on these houses, although one is published",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be done")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


def _train(options: argparse.Namespace) -> int:
    console = Console(sys.stderr if options.json else None)
    houses = houses_of(options, options.city or [])
    session, deployment = open_deployment(options)
    workspace = open_workspace(session, deployment)
    url = _preprocessor_to_use(workspace, houses, refit=options.refit_preprocessor)
    settings = settings_of(options)
    if options.dry_run:
        _print_plan(workspace, houses, settings, url)
        return SUCCEEDED
    training = train_and_publish(workspace, houses, settings, console, preprocessor_url=url)
    if options.json:
        print(json.dumps(_as_json(training), indent=2))
    else:
        _print(training, console)
    if training.preprocessor_is_new and deployment.endpoint_name:
        stack = stack_name(options.stage, "hosting")
        console.say(f"The endpoint gets the new preprocessor with: npx cdk deploy {stack}")
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


def _print_plan(
    workspace: Workspace,
    houses: Mapping[str, Houses],
    settings: Settings,
    preprocessor_url: str | None,
) -> None:
    print(f"upload {sum(map(len, houses.values())):,} houses to {workspace.url('raw/')}")
    if preprocessor_url is None:
        print(f"fit one preprocessor on all of them and store its URL in {workspace.parameter}")
    print(f"transform them with {preprocessor_url or 'it'} in one batch transform job")
    print(
        f"train {len(houses)} models on {settings.instance_type}, "
        f"{settings.max_in_flight} at a time, where they are not trained already"
    )
    for city in houses:
        latest = max(versions(workspace.s3, workspace.bucket, city), default=0)
        note = f", unless it equals version {latest}" if latest else ""
        print(f"publish {workspace.url(PublishedModel(city, latest + 1).key)}{note}")


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
    sys.exit(main())

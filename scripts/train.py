"""Trains one model per city and publishes them to the endpoint's bucket."""

import argparse
import json
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.command import (
    FAILED,
    SUCCEEDED,
    CommandError,
    make_parser,
    open_deployment,
    open_workspace,
    positive,
    run_command,
)
from scripts.console import Console, JobReporter
from scripts.deployment import stack_name
from training.house_files import read_city_folder
from training.houses import CITIES, HOUSES_PER_CITY, Houses, Market
from training.job import JobResult
from training.pipeline import LINEAR_LEARNER_DEFAULTS, Dataset, Pipeline, Settings
from training.publish import (
    PublishedModel,
    PublishedPreprocessor,
    check_city,
    current_preprocessor,
    publish_model,
    publish_preprocessor,
    published_cities,
    versions,
)
from training.workspace import Workspace

VALIDATION_LOSS = "validation:absolute_loss"


@dataclass(frozen=True)
class Training:
    """What a run trained and published; ``models`` lacks the cities that failed."""

    dataset: Dataset
    preprocessor_url: str
    preprocessor_is_new: bool
    jobs: Mapping[str, JobResult]
    models: Mapping[str, PublishedModel]

    @property
    def failures(self) -> dict[str, str]:
        """The reason of each city that failed."""
        return {
            city: f"{result.state.status}: {result.state.failure_reason}"
            for city, result in self.jobs.items()
            if not result.succeeded
        }

    def validation_loss(self, city: str) -> float | None:
        """Mean absolute error on the validation rows, in dollars."""
        metrics = self.jobs[city].state.description.get("FinalMetricDataList", [])
        return next((m["Value"] for m in metrics if m["MetricName"] == VALIDATION_LOSS), None)


def train_and_publish(
    workspace: Workspace,
    houses: Mapping[str, Houses],
    settings: Settings,
    console: Console,
    *,
    preprocessor_url: str | None = None,
) -> Training:
    """All steps from houses to published models.

    With ``preprocessor_url`` that preprocessor is used as it is; otherwise one is fitted on these
    houses and published.
    """
    pipeline = Pipeline(workspace, settings, JobReporter(console))
    with console.step("upload the houses") as step:
        dataset = pipeline.upload_houses(houses)
        step.detail = f"{sum(map(len, houses.values())):,} houses of {len(houses)} cities"
    if preprocessor_url is None:
        with console.step("fit the preprocessor on all cities"):
            artifact = pipeline.fit_preprocessor(dataset)
        preprocessor = publish_preprocessor(
            workspace.s3, workspace.ssm, workspace.bucket, workspace.parameter, artifact
        )
    else:
        preprocessor = PublishedPreprocessor(preprocessor_url, is_new=False)
    with console.step("transform the houses into features"):
        files = pipeline.transform(dataset, preprocessor.model_data_url)
    with console.step("train one model per city") as step:
        jobs = pipeline.train_cities(files)
        succeeded = {city: job for city, job in jobs.items() if job.succeeded}
        step.detail = f"{len(succeeded)} of {len(jobs)}, {settings.max_in_flight} at a time"
    with console.step("publish the models") as step:
        models = {
            city: publish_model(workspace.s3, workspace.bucket, city, pipeline.artifact(job))
            for city, job in succeeded.items()
        }
        new = sum(model.is_new for model in models.values())
        step.detail = f"{new} new, {len(models) - new} as before"
    return Training(dataset, preprocessor.model_data_url, preprocessor.is_new, jobs, models)


def published_preprocessor(workspace: Workspace) -> str | None:
    """The URL of the published preprocessor, if it is still in the bucket."""
    url = current_preprocessor(workspace.ssm, workspace.parameter)
    return url if url and workspace.keys(workspace.key_of(url)) else None


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


def add_house_options(parser: argparse.ArgumentParser) -> None:
    """Options that say which houses to train on."""
    parser.add_argument("--data", type=Path, help="folder with a <City>.csv each, header first")
    parser.add_argument(
        "--market",
        choices=("cities", "notebook"),
        default="cities",
        help="prices by city, or the notebook's one formula (default: cities)",
    )
    parser.add_argument("--houses", type=positive, default=HOUSES_PER_CITY, help="a city")
    parser.add_argument("--noise", type=float, default=0.0, help="of prices; 0.02 is 2 %%")
    parser.add_argument("--seed", type=int, default=0)


def add_job_options(parser: argparse.ArgumentParser) -> None:
    """Options that say how to run the jobs."""
    parser.add_argument("--instance-type", default=Settings.instance_type)
    parser.add_argument(
        "--max-jobs", type=positive, default=Settings.max_in_flight, help="training jobs at once"
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
        return {check_city(city): market.houses(city, options.houses) for city in cities or CITIES}
    folder = read_city_folder(options.data)
    missing = [city for city in cities if city not in folder]
    if missing:
        raise CommandError(f"{options.data} has no file for {', '.join(missing)}")
    return {city: folder[city] for city in cities} if cities else folder


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
        raise CommandError(
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


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


if __name__ == "__main__":
    sys.exit(main())

"""Watch the model cache of a multi-model endpoint under traffic.

Copies one published model many times, invokes the copies in passes, and shows from CloudWatch how
many models stay in memory and how often a model is found there; docs/cache.md reads the charts.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import boto3
import click
from botocore.config import Config

from fleet.cache.console import ProgressReport, print_summary
from fleet.cache.copies import model_copies, new_run_prefix, published_models, remove_leftovers
from fleet.cache.endpoint import EndpointError, WatchedEndpoint, describe_endpoint
from fleet.cache.experiment import (
    INVOCATIONS_PER_PERIOD,
    Experiment,
    RawPass,
    hold_against_metrics,
    run_passes,
    shortest_seconds,
)
from fleet.cache.invocation import Invoker, Payload
from fleet.cache.metrics import CloudWatchMetrics
from fleet.cache.results import invocations_csv, results_json, summary_document, write_text
from fleet.cache.traffic import Pass, read_trace, scan, uniform, zipf
from fleet.console import Console
from fleet.deployment import find_deployment
from fleet.project import project_schema
from scripts.cache_options import ExperimentOptions, experiment_options
from scripts.command import SUCCEEDED, Aws, aws_options, json_option, main, make_command

READ_TIMEOUT_SECONDS = 70
"""InvokeEndpoint answers within 60 seconds; the Developer Guide advises clients to wait for 70."""


@make_command(
    __doc__,
    "housing cache-experiment",
    "      copies of one model: the first 100, the same 100, then all 200",
    "housing cache-experiment --traffic zipf --exponent 0.9 --copies 300 --passes 2000",
    "      2000 invocations of 300 models, some of them far more popular than others",
    "housing cache-experiment --trace requests.csv --pace max",
    "      the target models of a CSV file, as fast as they are answered",
)
@click.option(
    "--endpoint",
    "endpoint_name",
    metavar="NAME",
    help="Any multi-model endpoint.  [default: the stage's]",
)
@experiment_options
@click.option(
    "--clean",
    is_flag=True,
    help="Remove all copies from S3, also those of experiments that still run.",
)
@json_option
@aws_options
def command(
    aws: Aws, endpoint_name: str | None, options: ExperimentOptions, clean: bool, as_json: bool
) -> int:
    console = Console(sys.stderr if as_json else None)
    session = aws.session()
    name = endpoint_name or find_deployment(session, aws.stage).require("endpoint_name")
    endpoint = describe_endpoint(session, name)
    if clean:
        count = remove_leftovers(session.client("s3"), endpoint)
        console.say(f"removed {count} object versions")
    else:
        _run(session, endpoint, options, console, as_json=as_json)
    return SUCCEEDED


def _run(
    session: boto3.Session,
    endpoint: WatchedEndpoint,
    options: ExperimentOptions,
    console: Console,
    *,
    as_json: bool,
) -> None:
    metrics = CloudWatchMetrics(session.client("cloudwatch"), endpoint)
    run = new_run_prefix()
    passes = _passes(options, run)
    period = options.period or endpoint.metrics_period
    raw = _invoke_copies(session, endpoint, run, passes, period, options, console)
    if not any(row.succeeded for one in raw for row in one.invocations):
        error = raw[0].invocations[0].error
        raise EndpointError(
            f"endpoint {endpoint.name} answered every request with {error}; "
            "is --payload what its models expect?"
        )

    console.say("waiting for CloudWatch")
    experiment = hold_against_metrics(metrics, raw, period=period, timeout=options.metrics_timeout)
    directory = options.output / Path(run).name
    _write(directory, endpoint, options, experiment)
    if as_json:
        print(json.dumps(summary_document(experiment.summary), indent=1))
    print_summary(console, endpoint, experiment)
    console.say(f"rows, figures and charts: {directory}")


def _invoke_copies(
    session: boto3.Session,
    endpoint: WatchedEndpoint,
    run_prefix: str,
    passes: Sequence[Pass],
    period: int,
    options: ExperimentOptions,
    console: Console,
) -> list[RawPass]:
    """Publish the copies, invoke them and remove them.

    Raises
    ------
    EndpointError
        No model is there to be copied.
    """
    s3 = session.client("s3")
    row = project_schema().sample_row.encode()
    body = options.payload.read_bytes() if options.payload else row
    source = options.model or next(published_models(s3, endpoint), None)
    if source is None:
        raise EndpointError(
            f"no model is published under s3://{endpoint.bucket}/{endpoint.model_prefix}"
        )
    targets = sorted({name for one in passes for name in one.target_models})
    runtime = session.client(
        "sagemaker-runtime",
        config=Config(
            retries={"total_max_attempts": 1},
            read_timeout=READ_TIMEOUT_SECONDS,
            max_pool_connections=options.concurrency,
        ),
    )
    pace = options.per_second(INVOCATIONS_PER_PERIOD / period)
    console.say(
        f"{len(targets)} copies of {source}; CloudWatch period {period} s; "
        f"{_at_least(shortest_seconds(passes, period, pace))}"
    )
    with model_copies(s3, endpoint, source, run_prefix, targets), ProgressReport() as progress:
        return run_passes(
            Invoker(runtime, endpoint.name, Payload(body, options.content_type)),
            passes,
            period=period,
            concurrency=options.concurrency,
            per_second=pace,
            on_pass=progress.begin_pass,
            on_invocation=progress.add,
        )


def _at_least(seconds: float) -> str:
    shown = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
    return f"takes {shown} or more"


def _passes(options: ExperimentOptions, run_prefix: str) -> list[Pass]:
    """The passes that were asked for, every target model below the run's prefix."""
    if options.trace:
        return [
            Pass(one.label, tuple(run_prefix + name for name in one.target_models))
            for one in read_trace(options.trace)
        ]
    copies = options.number_of_copies
    digits = len(str(copies))
    models = [f"{run_prefix}{n:0{digits}}.tar.gz" for n in range(1, copies + 1)]
    match options.traffic:
        case "uniform":
            return uniform(models, options.passes, options.seed)
        case "zipf":
            return zipf(models, options.passes, options.exponent, options.seed)
        case _:
            return scan(models, options.passes)


def _write(
    directory: Path, endpoint: WatchedEndpoint, options: ExperimentOptions, experiment: Experiment
) -> None:
    settings = {name: str(value) for name, value in asdict(options).items() if value is not None}
    write_text(directory / "invocations.csv", invocations_csv(experiment))
    write_text(directory / "results.json", results_json(endpoint, settings, experiment))
    from fleet.cache.charts import draw_charts  # matplotlib, for which no --help waits

    draw_charts(directory, endpoint, experiment)


if __name__ == "__main__":
    main(command, "cache_experiment")

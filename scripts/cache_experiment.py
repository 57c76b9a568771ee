"""Watch the model cache of a multi-model endpoint under traffic.

Copies one published model many times, invokes the copies in passes, and shows from CloudWatch how
many models stay in memory and how often a model is found there; docs/cache.md reads the charts.
"""

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import boto3
from botocore.config import Config

from fleet.cache.charts import draw_charts
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
from scripts.cache_arguments import EXAMPLE_HOUSE, make_experiment_parser, number_of_copies
from scripts.command import SUCCEEDED, open_session, run_command

READ_TIMEOUT_SECONDS = 70
"""InvokeEndpoint answers within 60 seconds; the Developer Guide advises clients to wait for 70."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run an experiment; answers the process's exit status."""
    return run_command(make_experiment_parser(), _cache_experiment, arguments)


def _cache_experiment(options: argparse.Namespace) -> int:
    signal.signal(signal.SIGTERM, _interrupt)
    console = Console(sys.stderr if options.json else None)
    session = open_session(options)
    name = options.endpoint or find_deployment(session, options.stage).require("endpoint_name")
    endpoint = describe_endpoint(session, name)
    if options.clean:
        count = remove_leftovers(session.client("s3"), endpoint)
        console.say(f"removed {count} object versions")
    else:
        _run(session, endpoint, options, console)
    return SUCCEEDED


def _run(
    session: boto3.Session, endpoint: WatchedEndpoint, options: argparse.Namespace, console: Console
) -> None:
    metrics = CloudWatchMetrics(session.client("cloudwatch"), endpoint)
    run = new_run_prefix()
    passes = _passes(options, run)
    period = options.period or endpoint.metrics_period
    raw = _invoke_copies(session, endpoint, run, passes, period, options, console)
    if not any(row.succeeded for one in raw for row in one.invocations):
        error = raw[0].invocations[0].error
        raise EndpointError(f"endpoint {endpoint.name} answered every request with {error}")

    console.say("waiting for CloudWatch")
    experiment = hold_against_metrics(metrics, raw, period=period, timeout=options.metrics_timeout)
    directory = options.output / Path(run).name
    _write(directory, endpoint, options, experiment)
    if options.json:
        print(json.dumps(summary_document(experiment.summary), indent=1))
    print_summary(console, endpoint, experiment)
    console.say(f"rows, figures and charts: {directory}")


def _invoke_copies(
    session: boto3.Session,
    endpoint: WatchedEndpoint,
    run_prefix: str,
    passes: Sequence[Pass],
    period: int,
    options: argparse.Namespace,
    console: Console,
) -> list[RawPass]:
    """Publish the copies, invoke them and remove them."""
    s3 = session.client("s3")
    body = options.payload.read_bytes() if options.payload else EXAMPLE_HOUSE
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
    pace = {"auto": INVOCATIONS_PER_PERIOD / period, "max": None}.get(options.pace, options.pace)
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


def _passes(options: argparse.Namespace, run_prefix: str) -> list[Pass]:
    """The passes that were asked for, every target model below the run's prefix."""
    if options.trace:
        return [
            Pass(one.label, tuple(run_prefix + name for name in one.target_models))
            for one in read_trace(options.trace)
        ]
    copies = number_of_copies(options)
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
    directory: Path, endpoint: WatchedEndpoint, options: argparse.Namespace, experiment: Experiment
) -> None:
    settings = {name: str(value) for name, value in vars(options).items() if value is not None}
    write_text(directory / "invocations.csv", invocations_csv(experiment))
    write_text(directory / "results.json", results_json(endpoint, settings, experiment))
    draw_charts(directory, endpoint, experiment)


def _interrupt(signal_number: int, frame: object) -> NoReturn:
    """End as Ctrl-C does, so that the copies are removed."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())

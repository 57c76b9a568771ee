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
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from scripts.cache.arguments import EXAMPLE_HOUSE, parse_arguments
from scripts.cache.charts import draw_charts
from scripts.cache.console import ProgressReport, print_summary
from scripts.cache.copies import (
    CopyError,
    model_copies,
    new_run_prefix,
    published_models,
    remove_leftovers,
)
from scripts.cache.endpoint import EndpointError, WatchedEndpoint, describe_endpoint
from scripts.cache.experiment import (
    INVOCATIONS_PER_PERIOD,
    Experiment,
    RawPass,
    hold_against_metrics,
    run_passes,
)
from scripts.cache.invocation import Invoker, Payload
from scripts.cache.metrics import CloudWatchMetrics
from scripts.cache.results import invocations_csv, results_json, summary_document, write_text
from scripts.cache.traffic import Pass, TraceError, read_trace, scan, uniform, zipf
from scripts.deployment import DeploymentError, find_deployment

READ_TIMEOUT_SECONDS = 70
"""InvokeEndpoint answers within 60 seconds; the guide advises to wait ten more."""
INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run an experiment; answers the process's exit status."""
    options = parse_arguments(arguments)
    console = Console(stderr=options.json)
    signal.signal(signal.SIGTERM, _interrupt)
    session = boto3.Session()
    try:
        endpoint = describe_endpoint(
            session, options.endpoint or _endpoint_of_stage(session, options)
        )
        if options.clean:
            count = remove_leftovers(session.client("s3"), endpoint)
            console.print(f"removed {count} objects")
            return 0
        return _run(session, endpoint, options, console)
    except KeyboardInterrupt:
        print("interrupted; the copies are removed", file=sys.stderr)
        return INTERRUPTED
    except (
        CopyError, DeploymentError, EndpointError, TraceError, BotoCoreError, ClientError, OSError,
    ) as error:  # fmt: skip
        print(f"error: {error}", file=sys.stderr)
        return 1


def _run(
    session: boto3.Session, endpoint: WatchedEndpoint, options: argparse.Namespace, console: Console
) -> int:
    metrics = CloudWatchMetrics(session.client("cloudwatch"), endpoint)
    run = new_run_prefix()
    passes = _passes(options, run)
    period = options.period or metrics.resolution()
    raw = _invoke_copies(session, endpoint, passes, period, options, console)
    if not any(row.succeeded for one in raw for row in one.invocations):
        error = raw[0].invocations[0].error
        raise EndpointError(f"endpoint {endpoint.name} answered every request with {error}")

    console.print("waiting for CloudWatch", markup=False)
    experiment = hold_against_metrics(metrics, raw, period=period, timeout=options.metrics_timeout)
    directory = options.output / Path(run).name
    _write(directory, endpoint, options, experiment)
    if options.json:
        print(json.dumps(summary_document(experiment.summary), indent=1))
    print_summary(console, endpoint, experiment)
    console.print(f"rows, figures and charts: {directory}", markup=False, soft_wrap=True)
    return 0


def _invoke_copies(
    session: boto3.Session,
    endpoint: WatchedEndpoint,
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
    pace = {"auto": INVOCATIONS_PER_PERIOD / period, "max": None}
    console.print(f"{len(targets)} copies of {source}; CloudWatch period {period} s", markup=False)
    with model_copies(s3, endpoint, source, targets), ProgressReport(console) as progress:
        return run_passes(
            Invoker(runtime, endpoint.name, Payload(body, options.content_type)),
            passes,
            period=period,
            concurrency=options.concurrency,
            per_second=pace.get(options.pace, options.pace),
            on_pass=progress.begin_pass,
            on_invocation=progress.add,
        )


def _passes(options: argparse.Namespace, run_prefix: str) -> list[Pass]:
    """The passes that were asked for, every target model below the run's prefix."""
    if options.trace:
        return [
            Pass(one.label, tuple(run_prefix + name for name in one.target_models))
            for one in read_trace(options.trace)
        ]
    digits = len(str(options.copies))
    models = [f"{run_prefix}{n:0{digits}}.tar.gz" for n in range(1, options.copies + 1)]
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


def _endpoint_of_stage(session: boto3.Session, options: argparse.Namespace) -> str:
    return find_deployment(session, options.stage).require("endpoint_name")


def _interrupt(signal_number: int, frame: object) -> NoReturn:
    """End as Ctrl-C does, so that the copies are removed."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())

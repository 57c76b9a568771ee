"""All of it: deploys the stacks, trains the models, predicts prices, and shows who may do so.

Without --profile it runs on an AWS of its own on this machine; nothing leaves it.
"""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
import click
import numpy as np

from fleet.cdk import run_cdk
from fleet.client import runtime_client
from fleet.console import Console
from fleet.deployment import Deployment, find_deployment
from fleet.errors import HousingError
from fleet.names import stack_name
from fleet.project import project_schema, spelled
from fleet.schema import HOUSES
from fleet.teardown import Teardown
from fleet.words import plural
from scripts.add_model import train_city
from scripts.command import (
    FAILED,
    SUCCEEDED,
    Aws,
    aws_options,
    confirm,
    main,
    make_command,
    open_workspace,
)
from scripts.local_aws import LocalAws
from scripts.options import RowOptions, job_options, row_options, say_left_out
from training.arrivals import Arrival
from training.endpoint import predict
from training.entities import EntityTables
from training.pipeline import Settings
from training.restricted_role import show_restricted_role
from training.results import draw_overviews, draw_results, evaluate_cities, print_results
from training.run import Training, published_preprocessor, train_and_publish

ADDED_CITY, ARRIVING_CITY = "Boston_MA", "Seattle_WA"
RESTRICTED_ROLE, RESTRICTED_CITY, OTHER_CITY = "NewYork", "NewYork_NY", "Chicago_IL"
LOOPBACK = ("http://127.0.0.1:", "http://localhost:")
COST = (
    "It starts one endpoint instance (ml.m5.xlarge, billed by the second until it is removed), "
    "15 short jobs, a KMS key, S3 objects and CloudWatch alarms. "
    "At the end it removes them again, unless the stage was there before or --keep is given."
)


@dataclass(frozen=True)
class Options:
    """What the demo was asked for."""

    aws: Aws
    rows: RowOptions
    settings: Settings
    keep: bool
    output: Path


@make_command(__doc__, "housing demo --keep")
@click.option("--keep", is_flag=True, help="Leave everything running.")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("output"),
    show_default=True,
    help="Folder of the pictures.",
)
@row_options
@job_options
@aws_options
def command(aws: Aws, rows: RowOptions, settings: Settings, keep: bool, output: Path) -> int:
    return _demo(Options(aws, rows, settings, keep, output))


def _demo(options: Options) -> int:
    console = Console()
    if options.aws.profile:
        _ask(options.aws)
    begin = time.perf_counter()
    with (
        tempfile.TemporaryDirectory(prefix="housing-demo-") as folder,
        ThreadPoolExecutor() as threads,
    ):
        # Needs no AWS, so that it can go on while one starts.
        assembly = threads.submit(_synthesize, options.aws.stage, Path(folder) / "cdk.out")
        with _chosen_aws(options, console) as (session, local):
            keep = options.keep or _is_deployed(session, options.aws.stage)
            try:
                status = _run(options, session, assembly, threads, console)
            except BaseException:
                if local is None:
                    print(f"what was deployed is there: {_teardown(options)}", file=sys.stderr)
                raise
            if keep:
                _say_how_to_go_on(options, local, console)
            else:
                Teardown(session, options.aws.stage, console).run(keep_data=False)
    console.say(f"{time.perf_counter() - begin:6.1f} s  in total")
    return status


def _is_deployed(session: boto3.Session, stage: str) -> bool:
    """Whether the stage was there before the demo, which then has no right to remove it."""
    return find_deployment(session, stage).bucket_name is not None


def _teardown(options: Options) -> str:
    return spelled(f"housing teardown{options.aws.options}")


def _ask(aws: Aws) -> None:
    session = aws.session()
    caller = session.client("sts").get_caller_identity()
    where = f"account {caller['Account']}, region {session.region_name}, as {caller['Arn']}"
    if not confirm(f"Deploy stage {aws.stage} to {where}?\n{COST}"):
        raise HousingError("nothing deployed")


@contextmanager
def _chosen_aws(
    options: Options, console: Console
) -> Iterator[tuple[boto3.Session, LocalAws | None]]:
    """The AWS to run on: the profile asked for, localaws as chosen in the shell, or a new one."""
    if options.aws.profile:
        _choose_profile(options.aws.profile)
    if options.aws.profile or _is_local(boto3.Session()):
        yield boto3.Session(), None
        return
    local = LocalAws(Path(tempfile.mkdtemp(prefix="housing-demo-")))
    try:
        with console.step("start localaws"):
            local.start(keep=options.keep)
        yield boto3.Session(), local
    finally:
        if not options.keep:
            local.remove()


def _choose_profile(profile: str) -> None:
    """Make this the profile of the cdk CLI, too; keys in the environment would go before it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        os.environ.pop(name, None)
    os.environ["AWS_PROFILE"] = profile


def _is_local(session: boto3.Session) -> bool:
    """Whether the shell has chosen a profile, and it leads to this machine."""
    if not os.environ.get("AWS_PROFILE"):
        return False
    return session.client("sts").meta.endpoint_url.startswith(LOOPBACK)


def _run(
    options: Options,
    session: boto3.Session,
    assembly: "Future[Path]",
    threads: ThreadPoolExecutor,
    console: Console,
) -> int:
    read = options.rows.read()
    with console.step("synthesize the stacks and bootstrap the account"):
        _bootstrap(session)
        stacks = assembly.result()
    with console.step("deploy storage"):
        _deploy(options.aws.stage, stacks, "storage")
    workspace = open_workspace(session, find_deployment(session, options.aws.stage))
    settings = options.settings
    # As long as models are trained, for training needs nothing of it.
    retraining = threads.submit(_deploy, options.aws.stage, stacks, "retraining")
    training = train_and_publish(
        workspace,
        read,
        settings,
        console,
        preprocessor_url=published_preprocessor(workspace),
    )
    arrival = None
    if training.dataset.schema == HOUSES:  # of which there are as many as one wants
        with console.step(f"drop {ARRIVING_CITY}.csv below incoming/, to be served by itself"):
            retraining.result()
            houses = options.rows.market.houses(ARRIVING_CITY, options.rows.houses_per_city)
            arrival = Arrival.drop(workspace, ARRIVING_CITY, houses)
    with console.step("deploy hosting, access and monitoring"):
        _deploy(options.aws.stage, stacks, "hosting", "access", "monitoring")
    deployment = find_deployment(session, options.aws.stage)
    endpoint_name = deployment.require("endpoint_name")
    client = runtime_client(session)
    rows = plural(training.dataset.schema.row)
    with console.step(f"predict the {training.dataset.schema.label.title} of the test {rows}"):
        results = evaluate_cities(client, endpoint_name, training)
    trainings = [training]
    if arrival is not None:
        with console.step(f"add {ADDED_CITY} to the live endpoint"):
            added = options.rows.market.houses(ADDED_CITY, options.rows.houses_per_city)
            more = EntityTables({ADDED_CITY: added})
            trainings.append(train_city(workspace, more, settings, console))
            results += evaluate_cities(client, endpoint_name, trainings[-1])
    _show_access(session, deployment, training, console)
    if arrival is not None:
        with console.step(f"wait for {ARRIVING_CITY}") as step:
            city = arrival.wait_until_served(session, workspace)
            predict(client, endpoint_name, city.target_model or "", houses.take(np.arange(1)))
            seconds = arrival.seconds_until(city)
            step.detail = f"{city.target_model} served {seconds:.0f} s after its file arrived"
    with console.step("draw predicted against true values"):
        files = draw_results(results, options.output)
        overviews = draw_overviews(results, options.output)
    print_results(console, results)
    names = " and ".join(file.name for file in overviews)
    console.say(f"{len(files)} pictures in {options.output}/, and {names} of all")
    left_out = say_left_out(read.left_out)
    return _report_failures(*trainings) or left_out


def _synthesize(stage: str, assembly: Path) -> Path:
    """Once for all deployments: each would do it again."""
    run_cdk(["synth", "--quiet", "--output", str(assembly), "-c", f"stage={stage}"], quiet=True)
    return assembly


def _bootstrap(session: boto3.Session) -> None:
    account = session.client("sts").get_caller_identity()["Account"]
    # From a folder without cdk.json, the CLI bootstraps without a synthesis.
    with tempfile.TemporaryDirectory() as elsewhere:
        target = f"aws://{account}/{session.region_name}"
        run_cdk(["bootstrap", target], directory=Path(elsewhere), quiet=True)


def _deploy(stage: str, assembly: Path, *stacks: str) -> None:
    names = [stack_name(stage, stack) for stack in stacks]
    how = ["--exclusively", "--require-approval", "never", "--concurrency", str(len(names))]
    run_cdk(["deploy", *names, "--app", str(assembly), *how], quiet=True)


def _show_access(
    session: boto3.Session, deployment: Deployment, training: Training, console: Console
) -> None:
    """Invoke as the role of one city; skipped where its houses are not in the data."""
    own, other = RESTRICTED_CITY, OTHER_CITY
    if not {own, other} <= set(training.models):
        return
    with console.step(f"invoke as a role for {own} alone"):
        refusal = show_restricted_role(
            session,
            deployment.require("endpoint_name"),
            deployment.role_arn(RESTRICTED_ROLE),
            own=training.models[own],
            other=training.models[other],
            table=training.dataset.test[own],
        )
    console.say(f"          {own}: answered\n          {other}: {refusal}")


def _report_failures(*trainings: Training) -> int:
    failures = {city: reason for t in trainings for city, reason in t.failures.items()}
    for city, reason in failures.items():
        print(f"{city}: {reason}", file=sys.stderr)
    return FAILED if failures else SUCCEEDED


def _say_how_to_go_on(options: Options, local: LocalAws | None, console: Console) -> None:
    console.say("\nEverything is left running. To go on:")
    if local is not None:
        console.say(f"  {local.shell_command}")
    chosen = options.aws.options
    if project_schema() == HOUSES:
        console.say(f"  {spelled(f'housing predict --city Chicago_IL --square-feet 2400{chosen}')}")
        console.say(f"  {spelled(f'housing add-model --city Seattle_WA{chosen}')}")
    console.say(f"  {spelled(f'housing models list{chosen}')}")
    console.say(f"To end it:\n  {_teardown(options)}")
    if local is not None:
        console.say(f"  {local.stop_command}")


if __name__ == "__main__":
    main(command, "demo")

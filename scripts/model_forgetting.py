"""Forgets a city, and tells whether registry, bucket and endpoint agree or hold anything of it."""

import json
import sys

import click

from fleet.console import Console
from fleet.errors import HousingError
from fleet.forgetting import still_answers
from fleet.project import project_schema, spelled
from fleet.serving import known_city
from fleet.unloading import Instances
from fleet.verification import disagreements
from scripts.command import (
    FAILED,
    SUCCEEDED,
    Aws,
    aws_options,
    confirm,
    json_option,
    print_lines,
)
from scripts.model_stage import Stage, yes_option


@click.command("verify", help="Whether registry, bucket and endpoint agree.")
@click.option("--forgotten", metavar="CITY", help="Whether nothing is left of a city.")
@json_option
@aws_options
def verify_command(aws: Aws, forgotten: str | None, as_json: bool) -> int:
    stage = Stage.open(aws)
    with Console(sys.stderr).busy("compare registry, bucket and endpoint"):
        found = _left_of(stage, forgotten) if forgotten else _disagreements(stage)
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        print_lines(found or ["nothing is left" if forgotten else "all agree"], sys.stdout)
    return FAILED if found else SUCCEEDED


@click.command("forget", help="Delete everything of a city, and leave a receipt.")
@click.argument("city")
@click.option(
    "--unload",
    is_flag=True,
    help="Also replace the endpoint's instances, which may have its models loaded: two updates,"
    " minutes each.",
)
@yes_option
@json_option
@aws_options
def forget_command(aws: Aws, city: str, unload: bool, yes: bool, as_json: bool) -> int:
    stage = Stage.open(aws)
    item = known_city(stage.registry, city)
    question = f"Delete all rows, features, jobs and models of {item.title}, every version of them?"
    if not yes and not confirm(question):
        raise HousingError("nothing deleted")
    with Console(sys.stderr).busy(f"forget {item.title}"):
        receipt = stage.forgetter.forget(item.city)
    endpoint = stage.deployment.endpoint_name
    remains: list[str] = []
    if unload and endpoint is not None:
        with Console(sys.stderr).busy(f"replace the instances of {endpoint}"):
            Instances(stage.session.client("sagemaker"), endpoint).replace()
        receipt = stage.forgetter.note_unloaded(receipt)
        remains = _left_of(stage, item.city)
    if as_json:
        print(json.dumps({**receipt.as_json(), "remains": remains}, indent=2))
        return FAILED if remains else SUCCEEDED
    console = Console()
    rows = [[folder, str(count)] for folder, count in receipt.objects.items()]
    rows += [["shared files cleaned", str(receipt.shared_files)], ["jobs", str(receipt.jobs)]]
    console.table(f"{item.title} was forgotten on {receipt.forgotten}", ["deleted", ""], rows)
    for left in (*receipt.left, *remains):
        console.say(f"left: {left}")
    console.say(f"Receipt: s3://{stage.bucket}/{receipt.key}")
    proof = f"housing models verify --forgotten {item.city}{aws.options}"
    console.say(f"Proof: {spelled(proof)}")
    return FAILED if remains else SUCCEEDED


def _disagreements(stage: Stage) -> list[str]:
    from training.endpoint import endpoint_preprocessor

    endpoint = stage.deployment.endpoint_name
    client = stage.session.client("sagemaker")
    url = endpoint_preprocessor(client, endpoint) if endpoint else None
    return disagreements(stage.registry, stage.session.client("s3"), stage.bucket, url)


def _left_of(stage: Stage, city: str) -> list[str]:
    from fleet.client import runtime_client

    item = known_city(stage.registry, city)
    left = stage.forgetter.remains(item.city)
    if stage.deployment.endpoint_name is None:
        return left
    runtime = runtime_client(stage.session)
    endpoint = stage.deployment.endpoint_name
    row = project_schema().sample_row
    answering = still_answers(runtime, endpoint, item.city, item.last_version, row)
    return left + [
        f"{target}: an instance still has it loaded, until it is replaced" for target in answering
    ]

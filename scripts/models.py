"""Lists, shows, promotes, rolls back, retires, compares, warms, verifies and forgets models."""

import sys
from fnmatch import fnmatchcase

import click

from fleet.console import Console
from fleet.errors import HousingError
from fleet.names import entity_key
from fleet.project import project_schema
from fleet.versions import State, Version
from fleet.words import counted
from scripts.command import (
    CONTEXT,
    Aws,
    aws_options,
    confirm,
    json_option,
    main,
)
from scripts.model_forgetting import forget_command, verify_command
from scripts.model_lists import diff_command, list_command, show_command
from scripts.model_stage import Stage, say, yes_option
from scripts.model_usage import drift_command, usage_command, warm_command

EPILOG = "\b\nexample:\n  housing models show Chicago_IL\n  housing models rollback Chicago_IL"


@click.group(help=__doc__, epilog=EPILOG, context_settings=CONTEXT)
def command() -> None:
    pass


@command.command("promote", help="Let a version serve.")
@click.argument("city")
@click.argument("version", type=click.IntRange(min=1))
@click.option("--force", is_flag=True, help="Although the gate refused it.")
@json_option
@aws_options
def promote_command(aws: Aws, city: str, version: int, force: bool, as_json: bool) -> None:
    stage = Stage.open(aws)
    chosen = stage.registry.version(entity_key(city), version)
    _say_serving(stage.publisher(force=force).promote(chosen), as_json)


@command.command("rollback", help="Let the version serve that did before.")
@click.argument("city")
@click.option(
    "--from",
    "serving",
    type=click.IntRange(min=1),
    metavar="VERSION",
    help="Only from this version: of two people who roll back, one is told.",
)
@json_option
@aws_options
def rollback_command(aws: Aws, city: str, serving: int | None, as_json: bool) -> None:
    version = Stage.open(aws).registry.rollback(entity_key(city), serving=serving)
    _say_serving(version, as_json)


@command.command("retire", help="Delete the model of a version that does not serve.")
@click.argument("city")
@click.argument("version", type=click.IntRange(min=1))
@yes_option
@json_option
@aws_options
def retire_command(aws: Aws, city: str, version: int, yes: bool, as_json: bool) -> None:
    stage = Stage.open(aws)
    chosen = stage.registry.version(entity_key(city), version)
    if not yes and not confirm(f"Delete {chosen.target_model}? Its number is not given again."):
        raise HousingError("nothing deleted")
    stage.registry.delete_version(chosen)
    stage.session.client("s3").delete_object(Bucket=stage.bucket, Key=chosen.key)
    say(
        {"city": city, "version": version, "state": State.DELETED},
        as_json,
        f"deleted {chosen.target_model}",
    )


@command.command("expire", help="Delete the models of old versions, never of the serving one.")
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    metavar="N",
    help="Versions of a city.  [default: keepVersions of cdk.json]",
)
@click.option("--city", "pattern", default="*", metavar="PATTERN", help="For example 'New*'.")
@yes_option
@json_option
@aws_options
def expire_command(aws: Aws, keep: int | None, pattern: str, yes: bool, as_json: bool) -> None:
    from fleet.config import stage_config

    stage = Stage.open(aws)
    count = keep or stage_config(aws.stage).keep_versions
    names = [city.city for city in stage.registry.cities() if fnmatchcase(city.city, pattern)]
    of_whom = counted(len(names), project_schema().entity)
    if not yes and not confirm(f"Delete all but the newest {count} models of {of_whom}?"):
        raise HousingError("nothing deleted")
    with Console(sys.stderr).busy("delete models of old versions"):
        deleted = [v.target_model for v in stage.publisher(force=False).expire(names, count)]
    say({"deleted": deleted}, as_json, f"deleted {len(deleted)} models")


def _say_serving(version: Version, as_json: bool) -> None:
    facts = {"city": version.city, "version": version.number, "target_model": version.target_model}
    say(facts, as_json, f"{version.target_model} serves")


for each in (
    list_command,
    show_command,
    diff_command,
    usage_command,
    drift_command,
    warm_command,
    verify_command,
    forget_command,
):
    command.add_command(each)

if __name__ == "__main__":
    main(command, "models")

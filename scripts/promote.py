"""Brings the models and the preprocessor that serve in one stage to another."""

import json
import sys

import click

from fleet.config import stage_config
from fleet.console import Console
from fleet.errors import HousingError
from fleet.project import deploy_command
from fleet.promotion import Promotion, Side
from fleet.publishing import summary
from scripts.command import (
    FAILED,
    SUCCEEDED,
    Aws,
    Stage,
    aws_options,
    json_option,
    main,
    make_command,
)


@make_command(__doc__, "housing promote --from dev --stage prod")
@click.option("--from", "source", type=Stage(), default="dev", help="The other stage.")
@click.option("--from-profile", help="AWS profile of the other stage (default: the same)")
@json_option
@aws_options
def command(aws: Aws, source: str, from_profile: str | None, as_json: bool) -> int:
    if source == aws.stage:
        raise HousingError(f"stage {source} cannot be promoted to itself: give --stage")
    source_side = Side(*Aws(source, from_profile or aws.profile).deployment())
    rules = stage_config(aws.stage).gate.rules
    with Console(sys.stderr).busy(f"bring what serves in {source} to {aws.stage}"):
        publications = Promotion(source_side, Side(*aws.deployment()), rules).run()
    failures = {each.city: each.failure for each in publications if each.failure}
    if as_json:
        answer = {each.city: each.target_model or each.failure for each in publications}
        print(json.dumps(answer))
    else:
        console = Console()
        console.say(summary(publications))
        for city, failure in failures.items():
            console.say(f"  {city}: {failure}")
        console.say(f"now: {deploy_command(aws.stage, 'hosting', profile=aws.profile)}")
    return FAILED if failures else SUCCEEDED


if __name__ == "__main__":
    main(command, "promote")

"""Finds what stands in the way of a deployment, before anything is paid."""

import json
import sys

import click
from botocore.exceptions import BotoCoreError, ClientError

from fleet.checks import all_passed, make
from fleet.config import stage_config
from fleet.console import Console
from fleet.deployment import Deployment, find_deployment
from fleet.doctor import Doctor
from fleet.quotas import request_increases
from scripts.command import FAILED, SUCCEEDED, Aws, aws_options, json_option, main, make_command
from training.images import linear_learner_image


@make_command(__doc__, "housing doctor --stage prod", "housing doctor --request-quotas")
@click.option("--request-quotas", is_flag=True, help="Ask AWS for the quotas that are too small.")
@aws_options
@json_option
def command(aws: Aws, request_quotas: bool, as_json: bool) -> int:
    session, config = aws.session(), stage_config(aws.stage)
    told = sys.stderr if as_json else sys.stdout
    if request_quotas:
        for line in request_increases(session, config):
            print(line, file=told)
    try:
        deployment = find_deployment(session, aws.stage, aws.profile)
    except (BotoCoreError, ClientError):  # which one of the checks will tell
        deployment = Deployment(aws.stage, session.region_name or "", profile=aws.profile)
    doctor = Doctor(session, deployment, config, linear_learner_image)
    busy = Console(sys.stderr).busy
    made = make(doctor.checks, lambda checked: print(checked, file=told), busy)
    if as_json:
        print(json.dumps([checked.as_json() for checked in made]))
    return SUCCEEDED if all_passed(made) else FAILED


if __name__ == "__main__":
    main(command, "doctor")

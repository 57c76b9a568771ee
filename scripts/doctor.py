"""Finds what stands in the way of a deployment, before anything is paid."""

import json
import sys

from botocore.exceptions import BotoCoreError, ClientError

from fleet.checks import all_passed, make
from fleet.config import stage_config
from fleet.deployment import Deployment, find_deployment
from fleet.doctor import Doctor
from scripts.command import FAILED, SUCCEEDED, Aws, aws_options, json_option, main, make_command
from training.images import linear_learner_image


@make_command(__doc__, "housing doctor --stage prod")
@aws_options
@json_option
def command(aws: Aws, as_json: bool) -> int:
    session = aws.session()
    try:
        deployment = find_deployment(session, aws.stage)
    except (BotoCoreError, ClientError):  # which one of the checks will tell
        deployment = Deployment(aws.stage, session.region_name or "")
    doctor = Doctor(session, deployment, stage_config(aws.stage), linear_learner_image)
    told = sys.stderr if as_json else sys.stdout
    made = make(doctor.checks, lambda checked: print(checked, file=told))
    if as_json:
        print(json.dumps([checked.as_json() for checked in made]))
    return SUCCEEDED if all_passed(made) else FAILED


if __name__ == "__main__":
    main(command, "doctor")

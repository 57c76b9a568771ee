"""Removes what is deployed: the stacks, the data and the models."""

import sys

import click

from fleet.console import Console
from fleet.teardown import Teardown
from scripts.command import FAILED, SUCCEEDED, Aws, aws_options, confirm, main, make_command


@make_command(__doc__, "housing teardown --keep-data")
@click.option("--keep-data", is_flag=True, help="Leave the storage stack, with data and models.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@aws_options
def command(aws: Aws, keep_data: bool, yes: bool) -> int:
    session = aws.session()
    account = session.client("sts").get_caller_identity()["Account"]
    what = "the endpoint" if keep_data else "the endpoint, all data and all models"
    question = f"Remove {what} of stage {aws.stage} in account {account}?"
    if not yes and not confirm(question):
        print("nothing removed", file=sys.stderr)
        return FAILED
    Teardown(session, aws.stage, Console(), aws.profile).run(keep_data=keep_data)
    return SUCCEEDED


if __name__ == "__main__":
    main(command, "teardown")

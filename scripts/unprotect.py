"""Turns termination protection off, until the next cdk deploy."""

import click

from fleet.names import ALL_STACKS
from fleet.teardown import unprotect
from scripts.command import SUCCEEDED, Aws, aws_options, main, make_command


@make_command(__doc__, "housing unprotect --stage prod", "housing unprotect hosting --stage prod")
@click.argument("stacks", nargs=-1, type=click.Choice(ALL_STACKS))
@aws_options
def command(aws: Aws, stacks: tuple[str, ...]) -> int:
    changed = unprotect(aws.session(), aws.stage, stacks)
    print(", ".join(changed) or "no stack is protected")
    return SUCCEEDED


if __name__ == "__main__":
    main(command, "unprotect")

"""Removes what is deployed: the stacks, the data and the models."""

import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import click
from botocore.exceptions import ClientError

from fleet.console import Console
from fleet.deployment import Deployment
from fleet.errors import HousingError
from fleet.names import stack_name
from scripts.command import FAILED, SUCCEEDED, Aws, aws_options, confirm, main, make_command

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

ORDER = ("monitoring", "access", "hosting", "storage")
"""Nothing is removed that another stack still uses."""
SHORTEST_POLL, LONGEST_POLL = 0.2, 10.0


def tear_down(session: "boto3.Session", stage: str, console: Console, *, keep_data: bool) -> None:
    """Delete the stacks that exist; without ``keep_data`` the bucket and its contents too.

    Raises ``HousingError`` before it deletes anything where a stack is protected.
    """
    client = session.client("cloudformation")
    names = [stack_name(stage, stack) for stack in ORDER if not (keep_data and stack == "storage")]
    stacks = {name: stack for name in names if (stack := _find_stack(client, name))}
    protected = [name for name, stack in stacks.items() if stack.get("EnableTerminationProtection")]
    if protected:
        raise HousingError(
            f"termination protection is on: {', '.join(protected)}; to turn it off: "
            f"aws cloudformation update-termination-protection --no-enable-termination-protection "
            f"--stack-name {protected[0]}"
        )
    for name, stack in stacks.items():
        with console.step(f"delete {name}") as step:
            if name == stack_name(stage, "storage"):
                emptied = _empty_buckets(session, client, name)
                step.detail = f"{emptied:,} object versions"
            _delete_stack(client, name, stack["StackId"])
    if not stacks:
        console.say(f"nothing is deployed in stage {stage}")
    if not keep_data:
        _delete_parameter(session, stage)


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
    tear_down(session, aws.stage, Console(), keep_data=keep_data)
    return SUCCEEDED


def _find_stack(client: "CloudFormationClient", name: str) -> "StackTypeDef | None":
    try:
        stacks = client.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return stacks[0] if stacks else None


def _delete_stack(client: "CloudFormationClient", name: str, stack_id: str) -> None:
    client.delete_stack(StackName=name)
    wait = SHORTEST_POLL
    while True:
        # By its id a deleted stack can still be described.
        stack = _find_stack(client, stack_id)
        if stack is None or stack["StackStatus"] == "DELETE_COMPLETE":
            return
        if stack["StackStatus"] == "DELETE_FAILED":
            reason = stack.get("StackStatusReason", "see its events")
            raise HousingError(f"stack {name} could not be deleted: {reason}; run this again")
        time.sleep(wait)
        wait = min(1.5 * wait, LONGEST_POLL)


def _empty_buckets(session: "boto3.Session", client: "CloudFormationClient", stack: str) -> int:
    resources = client.describe_stack_resources(StackName=stack)["StackResources"]
    s3 = session.client("s3")
    return sum(
        empty_bucket(s3, resource["PhysicalResourceId"])
        for resource in resources
        if resource["ResourceType"] == "AWS::S3::Bucket"
        and resource.get("ResourceStatus") != "DELETE_COMPLETE"
    )


def empty_bucket(s3: "S3Client", bucket: str) -> int:
    """Delete every version of every object; returns how many there were."""
    count = 0
    # Always the first page: what arrives meanwhile is found too, and no page follows a deleted one.
    while objects := _first_versions(s3, bucket):
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
        for failure in answer.get("Errors", []):
            raise HousingError(f"s3://{bucket}/{failure['Key']}: {failure['Message']}")
        count += len(objects)
    return count


def _first_versions(s3: "S3Client", bucket: str) -> "list[ObjectIdentifierTypeDef]":
    page = s3.list_object_versions(Bucket=bucket)
    found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
    return [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in found]


def _delete_parameter(session: "boto3.Session", stage: str) -> None:
    ssm = session.client("ssm")
    name = Deployment(stage, session.region_name).preprocessor_parameter
    with suppress(ssm.exceptions.ParameterNotFound):
        ssm.delete_parameter(Name=name)


if __name__ == "__main__":
    main(command, "teardown")

"""Shows that a role that may invoke one city's models may invoke no other's."""

from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError

from fleet.client import runtime_client
from fleet.errors import HousingError
from training.endpoint import predict

if TYPE_CHECKING:
    from training.table import Table

ACCESS_DENIED = "AccessDeniedException"


def assume(session: boto3.Session, role_arn: str, session_name: str) -> boto3.Session:
    """A session with the permissions of a role."""
    answer = session.client("sts").assume_role(RoleArn=role_arn, RoleSessionName=session_name)
    credentials = answer["Credentials"]
    # The profile stays, which may say where AWS is; explicit keys take precedence over its own.
    return boto3.Session(
        profile_name=session.profile_name if session.profile_name != "default" else None,
        region_name=session.region_name,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )


def show_restricted_role(
    session: boto3.Session,
    endpoint_name: str,
    role_arn: str,
    *,
    own: str,
    other: str,
    table: "Table",
) -> str:
    """Invoke the own city's model and another's; returns AWS's refusal of the other.

    Raises
    ------
    HousingError
        Where the other city answers.
    ClientError
        An invocation fails for another reason than access.
    """
    client = runtime_client(assume(session, role_arn, "demo"))
    predict(client, endpoint_name, own, table)
    try:
        predict(client, endpoint_name, other, table)
    except ClientError as error:
        if error.response["Error"]["Code"] != ACCESS_DENIED:
            raise
        return str(error.response["Error"]["Message"])
    raise HousingError(f"role {role_arn} could invoke {other}, which it must not")

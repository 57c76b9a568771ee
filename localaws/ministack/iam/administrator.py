"""The IAM user whose key pair is in the profile, and the role that its notebooks run jobs with."""

import json
from datetime import UTC, datetime

from localaws.state import State

NAME = "administrator"


def put_administrator(state: State) -> None:
    """Make the user, its permissions and its key, unless an earlier run did."""
    from ministack.services import iam

    _put_execution_role(state)
    created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    iam._users.set_scoped(
        state.account_id,
        None,
        NAME,
        {
            "UserName": NAME,
            "Arn": f"arn:aws:iam::{state.account_id}:user/{NAME}",
            "UserId": "AIDA" + state.credentials.access_key_id[4:],
            "CreateDate": created,
            "Path": "/",
            "AttachedPolicies": ["arn:aws:iam::aws:policy/AdministratorAccess"],
            "Tags": [],
        },
    )
    iam._access_keys.set_scoped(
        state.account_id,
        None,
        state.credentials.access_key_id,
        {
            "UserName": NAME,
            "AccessKeyId": state.credentials.access_key_id,
            "SecretAccessKey": state.credentials.secret_access_key,
            "Status": "Active",
            "CreateDate": created,
        },
    )


def _put_execution_role(state: State) -> None:
    """Make the role that ``sagemaker.get_execution_role()`` finds, unless it is there.

    A notebook on AWS runs as its execution role; here it runs as the user. The SDK then looks for a
    role of the caller's name (sagemaker-core, session_helper.py: get_caller_identity_arn).
    """
    from ministack.core.responses import request_scope
    from ministack.services import iam

    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sagemaker.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    with request_scope(state.account_id, state.region):
        if NAME in iam._roles:
            return
        parameters = {
            "RoleName": [NAME],
            "AssumeRolePolicyDocument": [json.dumps(trust)],
            "Description": ["What sagemaker.get_execution_role() answers"],
        }
        iam._create_role(parameters)
        iam._roles[NAME]["AttachedPolicies"] = ["arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"]

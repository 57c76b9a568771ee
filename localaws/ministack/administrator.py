"""The IAM user whose key pair is in the profile."""

from datetime import UTC, datetime

from localaws.state import State

NAME = "administrator"


def put_administrator(state: State) -> None:
    """Make the user, its permissions and its key, unless an earlier run did."""
    from ministack.services import iam

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

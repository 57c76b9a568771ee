"""Denials read as AWS's.

https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""

import pytest

from iam_policy import Decision, Effect, PolicyType, access_denied_message
from tests.unit.iam_policy.builders import ENDPOINT, ROLE, request

CALLER = f"User: {ROLE.arn} is not authorized to perform: sagemaker:InvokeEndpoint"


@pytest.mark.parametrize(
    ("decision", "text"),
    [
        (
            Decision(Effect.IMPLICIT_DENY),
            "because no identity-based policy allows the sagemaker:InvokeEndpoint action",
        ),
        (
            Decision(Effect.IMPLICIT_DENY, PolicyType.SESSION),
            "because no session policy allows the sagemaker:InvokeEndpoint action",
        ),
        (
            Decision(Effect.EXPLICIT_DENY, PolicyType.IDENTITY, "p/DenyOthers"),
            "with an explicit deny in an identity-based policy",
        ),
        (
            Decision(Effect.EXPLICIT_DENY, PolicyType.BOUNDARY, "p/0"),
            "with an explicit deny in a permissions boundary",
        ),
    ],
)
def test_access_denied_message(decision: Decision, text: str) -> None:
    expected = f"{CALLER} on resource: {ENDPOINT} {text}"
    assert access_denied_message(request(), decision) == expected

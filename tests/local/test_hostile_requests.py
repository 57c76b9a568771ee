"""Requests with texts and values that somebody may send, and what a client reads of the answer."""
# ruff: noqa: E501 - one request a line

import json
from typing import Any

import pytest
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

from localaws.testing import LocalAws

TEXT = "Q&A <b> &amp; more"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}


def client(localaws: LocalAws, service: str) -> Any:
    """A client that sends whatever it is given."""
    unchecked = Config(parameter_validation=False, retries={"total_max_attempts": 1})
    return localaws.session().client(service, config=unchecked)  # type: ignore[call-overload]


def test_a_description_of_any_characters_is_read_as_it_was_written(localaws: LocalAws) -> None:
    iam = client(localaws, "iam")
    iam.create_role(
        RoleName="described",
        AssumeRolePolicyDocument=json.dumps(TRUST),
        Description=TEXT,
        Path="/a&b/",
    )
    document = json.dumps({"Version": "2012-10-17", "Statement": [ALLOW]})
    policy = iam.create_policy(PolicyName="described", PolicyDocument=document, Description=TEXT)[
        "Policy"
    ]
    assert iam.get_role(RoleName="described")["Role"]["Description"] == TEXT
    listed = {role["RoleName"]: role for role in iam.list_roles()["Roles"]}
    assert listed["described"]["Description"] == TEXT
    assert listed["described"]["Path"] == "/a&b/"
    assert iam.get_policy(PolicyArn=policy["Arn"])["Policy"]["Description"] == TEXT


def test_a_refusal_repeats_any_characters(localaws: LocalAws) -> None:
    with pytest.raises(ClientError, match="'a&b<c' at 'roleName'"):
        client(localaws, "iam").get_role(RoleName="a&b<c")


HERE = "arn:aws:states:us-east-1:123456789012:stateMachine:none"
ODD: list[tuple[str, str, dict[str, Any], str]] = [
    ("cognito-idp", "ListUserPools", {"MaxResults": 999}, "InvalidParameterException"),
    ("dynamodb", "UpdateItem", {"TableName": "t", "Key": {}, "UpdateExpression": "${x}"}, "ResourceNotFoundException"),
    ("kms", "CreateGrant", {"KeyId": "none", "Operations": ["Decrypt"]}, "ValidationException"),
    ("kms", "Decrypt", {}, "ValidationException"),
    ("cloudtrail", "PutEventSelectors", {"TrailName": "abc", "EventSelectors": [{"DataResources": [{}]}]}, "InvalidEventSelectorsException"),
]  # fmt: skip


@pytest.mark.parametrize(("service", "operation", "parameters", "code"), ODD)
def test_odd_requests_are_refused_by_the_service(
    localaws: LocalAws, service: str, operation: str, parameters: dict[str, Any], code: str
) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(client(localaws, service), xform_name(operation))(**parameters)
    response = refused.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] < 500
    assert (response["Error"]["Code"], bool(response["Error"]["Message"])) == (code, True)


def test_a_log_group_may_be_named_by_its_arn(localaws: LocalAws) -> None:
    logs = client(localaws, "logs")
    logs.create_log_group(logGroupName="named")
    logs.create_log_stream(logGroupName="named", logStreamName="a")
    arn = "arn:aws:logs:us-east-1:123456789012:log-group:named"
    found = logs.describe_log_streams(logGroupIdentifier=arn)["logStreams"]
    assert [stream["logStreamName"] for stream in found] == ["a"]


def test_a_selection_from_an_object_is_refused_as_to_a_new_customer(localaws: LocalAws) -> None:
    """Its parameters are the document itself, not a part of it; none of them is missing."""
    s3 = client(localaws, "s3")
    with pytest.raises(ClientError) as refused:
        s3.select_object_content(
            Bucket="none-of-that-name",
            Key="a",
            Expression="SELECT * FROM s3object",
            ExpressionType="SQL",
            InputSerialization={"CSV": {}},
            OutputSerialization={"CSV": {}},
        )
    assert refused.value.response["Error"]["Code"] == "MethodNotAllowed"

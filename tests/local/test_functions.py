"""Lambda functions and custom resources, run for real."""

import io
import json
import re
import time
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.testing import LocalAws
from localaws.testing.stacks import Stack, Template

TRUST_LAMBDA = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    },
}
ENVIRONMENT = "import os\ndef handler(event, context):\n    return dict(os.environ)\n"
CALLER = """
import boto3
def handler(event, context):
    return boto3.client("sts").get_caller_identity()["Arn"]
"""
BUCKETS = """
const { S3Client, ListBucketsCommand } = require("@aws-sdk/client-s3");
exports.handler = async () => (await new S3Client({}).send(new ListBucketsCommand({}))).Buckets;
"""
SILENT = "def handler(event, context):\n    raise ValueError('no such city')\n"


def policy(*statements: Template) -> Template:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def function(code: str, *statements: Template, runtime: str = "python3.13") -> Template:
    """A function named Function with a role that may what ``statements`` say."""
    policies = [{"PolicyName": "may", "PolicyDocument": policy(*statements)}] if statements else []
    return {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {"AssumeRolePolicyDocument": TRUST_LAMBDA, "Policies": policies},
        },
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Code": {"ZipFile": code},
                "Handler": "index.handler",
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Runtime": runtime,
                "Timeout": 20,
                "Environment": {"Variables": {"CITY": "Austin_TX"}},
            },
        },
    }


@pytest.fixture
def stack(localaws: LocalAws, request: pytest.FixtureRequest) -> Iterator[Stack]:
    stack = Stack(localaws, re.sub(r"\W|_", "-", request.node.name)[-60:].strip("-"))
    yield stack
    stack.delete()


def invoke(localaws: LocalAws, stack: Stack) -> Any:
    answer = localaws.session().client("lambda").invoke(FunctionName=stack.physical_id("Function"))
    return json.load(answer["Payload"])


def test_a_function_acts_as_its_role(localaws: LocalAws, stack: Stack) -> None:
    assert stack.deploy(function(CALLER)) == "CREATE_COMPLETE"
    role = stack.physical_id("Role")
    name = stack.physical_id("Function")
    assert invoke(localaws, stack) == f"arn:aws:sts::123456789012:assumed-role/{role}/{name}"


def test_a_function_may_what_its_role_may_and_no_more(localaws: LocalAws, stack: Stack) -> None:
    stack.deploy(function(BUCKETS, runtime="nodejs24.x"))
    assert (
        "is not authorized to perform: s3:ListAllMyBuckets"
        in invoke(localaws, stack)["errorMessage"]
    )
    may = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
    stack.deploy(function(BUCKETS, may, runtime="nodejs24.x"))
    assert isinstance(invoke(localaws, stack), list)


def test_a_function_sees_nothing_of_the_machine(localaws: LocalAws, stack: Stack) -> None:
    stack.deploy(function(ENVIRONMENT))
    variables = invoke(localaws, stack)
    assert variables["CITY"] == "Austin_TX"
    assert variables["AWS_REGION"] == "us-east-1"
    assert (
        not {"HOME", "USER", "AWS_PROFILE", "MINISTACK_ACCOUNT_ID", "STATE_DIR"} & variables.keys()
    )


def test_a_function_logs_only_where_its_role_may(localaws: LocalAws, stack: Stack) -> None:
    logs = localaws.session().client("logs")
    stack.deploy(function(ENVIRONMENT))
    invoke(localaws, stack)
    group = f"/aws/lambda/{stack.physical_id('Function')}"
    assert logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"] == []
    may = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}
    stack.deploy(function(ENVIRONMENT, may))
    invoke(localaws, stack)
    assert len(logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]) == 1
    logs.delete_log_group(logGroupName=group)


def test_a_role_that_lambda_may_not_assume_is_refused(localaws: LocalAws, stack: Stack) -> None:
    resources = function(ENVIRONMENT)
    trust = policy(
        {
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    )
    resources["Role"]["Properties"]["AssumeRolePolicyDocument"] = trust
    assert stack.deploy(resources) == "ROLLBACK_COMPLETE"
    assert "The role defined for the function cannot be assumed by Lambda." in stack.reasons()[0]


@pytest.mark.parametrize("runtime", ["java21", "provided.al2023"])
def test_other_runtimes_are_refused_by_name(localaws: LocalAws, stack: Stack, runtime: str) -> None:
    assert stack.deploy(function(ENVIRONMENT, runtime=runtime)) == "ROLLBACK_COMPLETE"
    assert f"{runtime} is not available here" in stack.reasons()[0]


def test_the_api_makes_functions_too(localaws: LocalAws, stack: Stack) -> None:
    stack.deploy(function(CALLER))
    role = localaws.session().client("iam").get_role(RoleName=stack.physical_id("Role"))
    client = localaws.session().client("lambda")
    named = {
        "FunctionName": "made-by-api",
        "Code": {"ZipFile": archive(CALLER)},
        "Handler": "index.handler",
        "Runtime": "python3.13",
    }
    client.create_function(Role=role["Role"]["Arn"], **named)
    client.get_waiter("function_active_v2").wait(FunctionName="made-by-api")
    answer = client.invoke(FunctionName="made-by-api")
    assert json.load(answer["Payload"]).endswith("/made-by-api")
    client.delete_function(FunctionName="made-by-api")
    with pytest.raises(ClientError, match="cannot be assumed by Lambda"):
        client.create_function(Role="arn:aws:iam::123456789012:role/nobody", **named)


def test_a_custom_resource_that_gets_no_answer_fails_its_stack_at_once(
    localaws: LocalAws, stack: Stack
) -> None:
    began = time.monotonic()
    custom = {
        "Type": "Custom::City",
        "Properties": {"ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]}},
    }
    assert stack.deploy({**function(SILENT), "City": custom}) == "ROLLBACK_COMPLETE"
    assert "no such city (it sent no answer)" in stack.reasons()
    assert time.monotonic() - began < 60


def archive(code: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as files:
        files.writestr("index.py", code)
    return stream.getvalue()

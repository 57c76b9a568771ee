"""Stacks that CloudFormation refuses, or rolls back with a reason that a person can read."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.testing import LocalAws
from localaws.testing.stacks import Stack, Template

PARAMETER: dict[str, Any] = {
    "Type": "AWS::SSM::Parameter",
    "Properties": {"Type": "String", "Value": "x"},
}
TRUST = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    },
}


@pytest.fixture
def stack(localaws: LocalAws, request: pytest.FixtureRequest) -> Iterator[Stack]:
    name = request.node.name.replace("_", "-").split("[")[0][:100]
    stack = Stack(localaws, name)
    yield stack
    stack.delete()


def objects(count: int) -> dict[str, Any]:
    arns = [f"arn:aws:s3:::bucket-number-{number}/*" for number in range(count)]
    block = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": arns}
    return {"Version": "2012-10-17", "Statement": [block]}


@pytest.mark.parametrize(
    ("resource", "reason"),
    [
        ({"Type": "AWS::Logs::LogGroup", "Properties": {"Nope": 1}}, "extraneous key [Nope]"),
        ({"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": objects(250)}},
         "Cannot exceed quota for PolicySize: 6144"),
        ({"Type": "AWS::IAM::Role", "Properties": {
            "AssumeRolePolicyDocument": TRUST,
            "ManagedPolicyArns": ["arn:aws:iam::aws:policy/NoSuchPolicy"]}},
         "does not exist or is not attachable"),
        ({"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {
            "Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*", "Principal": "*"}]}}},
         "will not allow you to update the key policy in the future"),
        ({"Type": "AWS::CloudWatch::Dashboard", "Properties": {"DashboardBody": "{"}},
         "must be a valid JSON object"),
    ],
)  # fmt: skip
def test_a_resource_that_its_service_refuses_rolls_the_stack_back(
    stack: Stack, resource: dict[str, Any], reason: str
) -> None:
    assert stack.deploy({"A": resource}) == "ROLLBACK_COMPLETE"
    assert any(reason in text for text in stack.reasons())


def test_nothing_is_made_when_a_property_of_any_resource_is_wrong(stack: Stack) -> None:
    wrong = {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 8}}
    named = {**PARAMETER, "Properties": {**PARAMETER["Properties"], "Name": "/refused/first"}}
    assert stack.deploy({"A": named, "B": wrong}) == "ROLLBACK_COMPLETE"
    with pytest.raises(ClientError, match="ParameterNotFound"):
        stack.session.client("ssm").get_parameter(Name="/refused/first")


def test_a_stack_never_takes_over_what_exists(stack: Stack) -> None:
    logs = stack.session.client("logs")
    logs.create_log_group(logGroupName="/refused/taken")
    group = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/refused/taken"}}
    assert stack.deploy({"A": group}) == "ROLLBACK_COMPLETE"
    assert any("already exists" in text for text in stack.reasons())
    assert logs.describe_log_groups(logGroupNamePrefix="/refused/taken")["logGroups"]


def test_an_export_has_no_blanks_in_its_name(stack: Stack) -> None:
    outputs = {"O": {"Value": "x", "Export": {"Name": "two words"}}}
    assert stack.deploy({"A": PARAMETER}, Outputs=outputs) == "ROLLBACK_COMPLETE"
    assert any("alphanumeric characters, colons, or hyphens" in t for t in stack.reasons())


def test_an_export_has_one_owner(stack: Stack, localaws: LocalAws) -> None:
    outputs = {"O": {"Value": "x", "Export": {"Name": "refused-export"}}}
    other = Stack(localaws, "owns-the-export")
    assert other.deploy({"A": PARAMETER}, Outputs=outputs) == "CREATE_COMPLETE"
    try:
        assert stack.deploy({"A": PARAMETER}, Outputs=outputs) == "ROLLBACK_COMPLETE"
        assert any("already exported by stack owns-the-export" in t for t in stack.reasons())
    finally:
        other.delete()


@pytest.mark.parametrize(
    "resources",
    [
        {"A": {"Type": "AWS::S3::Bucket", "Properties": 1.5}},
        {"A": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": {"Ref": "Nope"}}}},
        {"A": {"Type": "AWS::S3::Bucket", "DependsOn": ["Nope"]}},
        {"A": []},
        {},
    ],
)
def test_a_malformed_template_makes_no_stack(stack: Stack, resources: Template) -> None:
    with pytest.raises(ClientError, match="ValidationError"):
        stack.deploy(resources)


@pytest.mark.parametrize(
    ("transform", "reason"),
    [
        ("Mine", "No transform named Mine found"),
        (["AWS::LanguageExtensions", "Mine"], "No transform named Mine found"),
        ("AWS::Serverless-2016-10-31", "localaws does not have the transform AWS::Serverless"),
    ],
)
def test_a_transform_that_is_not_there_makes_no_stack(
    stack: Stack, transform: Any, reason: str
) -> None:
    client: Any = stack.session.client("cloudformation")
    body = {"Transform": transform, "Resources": {"A": PARAMETER}}
    with pytest.raises(ClientError, match=reason):
        client.create_stack(
            StackName=stack.name,
            TemplateBody=json.dumps(body),
            Capabilities=["CAPABILITY_AUTO_EXPAND"],
        )


def test_a_change_set_is_gone_once_it_is_executed(stack: Stack) -> None:
    client: Any = stack.session.client("cloudformation")
    for number, kind in enumerate(("CREATE", "UPDATE")):
        body = {"Resources": {"A": PARAMETER, **({"B": PARAMETER} if number else {})}}
        client.create_change_set(
            StackName=stack.name,
            ChangeSetName="same-name",
            ChangeSetType=kind,
            TemplateBody=json.dumps(body),
        )
        client.execute_change_set(StackName=stack.name, ChangeSetName="same-name")
        stack.wait()
    assert client.list_change_sets(StackName=stack.name)["Summaries"] == []


@pytest.mark.parametrize("policy", ["AmazonSageMakerFullAccess", "CloudWatchFullAccessV2"])
def test_the_managed_policies_of_aws_can_be_attached(stack: Stack, policy: str) -> None:
    arn = f"arn:aws:iam::aws:policy/{policy}"
    role = {"AssumeRolePolicyDocument": TRUST, "ManagedPolicyArns": [arn]}
    resources = {"Role": {"Type": "AWS::IAM::Role", "Properties": role}}
    assert stack.deploy(resources) == "CREATE_COMPLETE"
    iam: Any = stack.session.client("iam")
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
    assert document["Document"]["Statement"]


def test_a_value_for_a_parameter_that_the_template_has_not(stack: Stack) -> None:
    client: Any = stack.session.client("cloudformation")
    with pytest.raises(ClientError, match=r"Parameters: \[Nope\] do not exist in the template"):
        client.create_stack(
            StackName=stack.name,
            TemplateBody=json.dumps({"Resources": {"A": PARAMETER}}),
            Parameters=[{"ParameterKey": "Nope", "ParameterValue": "x"}],
        )

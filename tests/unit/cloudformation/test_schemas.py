"""Properties are held against the registry's schemas, in CloudFormation's words."""

from typing import Any

import pytest

from localaws.cloudformation.schemas import property_problems, readable_attributes

REGION = "us-east-1"


@pytest.mark.parametrize(
    ("kind", "properties", "problem"),
    [
        ("AWS::Logs::LogGroup", {"Nope": 1}, "#: extraneous key [Nope] is not permitted"),
        ("AWS::Logs::LogGroup", {"RetentionInDays": 8},
         "#/RetentionInDays: 8 is not a valid enum value"),
        ("AWS::Logs::LogGroup", {"LogGroupName": {"a": 1}},
         "#/LogGroupName: expected type: String, found: JSONObject"),
        ("AWS::Logs::LogGroup", {"LogGroupName": "a b"}, "does not match pattern"),
        ("AWS::Logs::LogGroup", {"LogGroupName": "a" * 513},
         "#/LogGroupName: expected maxLength: 512, actual: 513"),
        ("AWS::Logs::LogGroup", {"Tags": [{"Key": "a"}]},
         "#/Tags/0: required key [Value] not found"),
        ("AWS::IAM::Role", {}, "#: required key [AssumeRolePolicyDocument] not found"),
        ("AWS::IAM::Role", {"AssumeRolePolicyDocument": {}, "Arn": "x"},
         "read-only property [Arn]"),
        ("AWS::S3::Bucket", {"Tags": {"a": "b"}}, "#/Tags: expected type: JSONArray"),
        ("AWS::KMS::Key", {"PendingWindowInDays": 3},
         "#/PendingWindowInDays: 3 is not greater or equal to 7"),
        ("AWS::KMS::Key", {"PendingWindowInDays": "x"},
         "#/PendingWindowInDays: expected type: Integer, found: String"),
        ("AWS::SageMaker::EndpointConfig", {"ProductionVariants": [{"VariantName": "a", "No": 1}]},
         "#/ProductionVariants/0: extraneous key [No] is not permitted"),
    ],
)  # fmt: skip
def test_a_property_that_the_schema_does_not_allow(
    kind: str, properties: dict[str, Any], problem: str
) -> None:
    assert any(problem in found for found in property_problems(kind, REGION, properties))


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("AWS::Logs::LogGroup", {"RetentionInDays": "7"}),
        ("AWS::Logs::LogGroup", {"RetentionInDays": {"Ref": "Days"}, "Tags": {"Fn::If": []}}),
        ("AWS::KMS::Key", {"EnableKeyRotation": "true", "PendingWindowInDays": "7"}),
        ("AWS::SSM::Parameter", {"Type": "String", "Value": 5, "Tags": {"a": "b"}}),
        ("AWS::SSM::Parameter", {"Type": "String", "Value": "{{resolve:ssm:/a}}"}),
        ("Custom::Anything", {"Any": ["thing"]}),
    ],
)
def test_text_for_numbers_and_functions_for_values_are_taken(
    kind: str, properties: dict[str, Any]
) -> None:
    assert property_problems(kind, REGION, properties) == []


def test_attributes_are_those_that_the_registry_reads() -> None:
    log_group = readable_attributes("AWS::Logs::LogGroup", REGION)
    assert log_group is not None
    assert "Arn" in log_group
    assert "Nope" not in log_group
    assert readable_attributes("Custom::Anything", REGION) is None

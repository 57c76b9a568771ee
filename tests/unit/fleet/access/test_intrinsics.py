"""Intrinsic functions.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

from typing import Any

import pytest

from fleet.access.intrinsics import Environment, Template
from fleet.errors import HousingError

TEMPLATE = Template(
    "housing-dev-access",
    {
        "Parameters": {"Version": {"Type": "String", "Default": "v1"}},
        "Mappings": {"Accounts": {"eu-west-1": {"sklearn": "141502667606"}}},
        "Resources": {
            "Role": {"Type": "AWS::IAM::Role"},
            "Bucket": {"Type": "AWS::S3::Bucket"},
            "Key": {"Type": "AWS::KMS::Key"},
            "Endpoint": {
                "Type": "AWS::SageMaker::Endpoint",
                "Properties": {"EndpointName": "Housing"},
            },
        },
    },
    Environment("111122223333", "eu-west-1"),
    imports={"storage:Bucket": "b"},
    others={"housing-dev-storage": {"Arn": "arn:aws:s3:::b"}},
)


@pytest.mark.parametrize(
    ("value", "resolved"),
    [
        ({"Ref": "AWS::AccountId"}, "111122223333"),
        ({"Ref": "Version"}, "v1"),
        ({"Ref": "Role"}, "role"),
        ({"Ref": "Endpoint"}, "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/housing"),
        ({"Fn::GetAtt": ["Role", "Arn"]}, "arn:aws:iam::111122223333:role/Role"),
        ({"Fn::GetAtt": "Bucket.Arn"}, "arn:aws:s3:::bucket"),
        ({"Fn::GetAtt": ["Key", "Arn"]}, "arn:aws:kms:eu-west-1:111122223333:key/Key"),
        ({"Fn::GetAtt": ["Bucket", "DomainName"]}, "bucket.DomainName"),
        ({"Fn::Join": ["-", ["a", {"Ref": "AWS::Region"}]]}, "a-eu-west-1"),
        ({"Fn::Sub": "${AWS::Region}/${Role.Arn}/${!Literal}"},
         "eu-west-1/arn:aws:iam::111122223333:role/Role/${Literal}"),
        ({"Fn::Sub": ["${Name}!", {"Name": {"Ref": "Version"}}]}, "v1!"),
        ({"Fn::ImportValue": "storage:Bucket"}, "b"),
        ({"Fn::GetStackOutput": {"StackName": "housing-dev-storage", "OutputName": "Arn"}},
         "arn:aws:s3:::b"),
        ({"Fn::FindInMap": ["Accounts", {"Ref": "AWS::Region"}, "sklearn"]}, "141502667606"),
        ({"Fn::Select": [1, {"Fn::Split": [",", "a,b"]}]}, "b"),
        ([{"Ref": "AWS::NoValue"}, 1], [1]),
        ({"a": {"Ref": "AWS::NoValue"}, "b": {"c": {"Ref": "Version"}}}, {"b": {"c": "v1"}}),
    ],
)  # fmt: skip
def test_resolves(value: Any, resolved: Any) -> None:
    assert TEMPLATE.resolve(value) == resolved


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"Ref": "Nobody"}, "nothing in the template is called Nobody"),
        ({"Fn::GetAtt": ["Nobody", "Arn"]}, "nothing in the template is called Nobody"),
        ({"Fn::ImportValue": "x"}, "no other template exports x"),
        ({"Fn::GetStackOutput": {"StackName": "s", "OutputName": "o"}}, "s has no output o"),
        ({"Fn::FindInMap": ["Accounts", "x", "y"]}, "the mapping Accounts has no x.y"),
        ({"Fn::If": ["a", 1, 2]}, "the function Fn::If cannot be resolved here"),
    ],
)
def test_what_cannot_be_resolved_is_an_error(value: Any, message: str) -> None:
    with pytest.raises(HousingError, match=f"housing-dev-access: {message}"):
        TEMPLATE.resolve(value)

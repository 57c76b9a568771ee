"""What is too much for one stack is one sentence each, before anything is deployed."""

from typing import Any

import pytest

from stacks.limits import limit_problems

TRUST: dict[str, Any] = {"Version": "2012-10-17", "Statement": []}


def document(characters: int) -> dict[str, Any]:
    """A policy of as many characters, white space not counted."""
    empty = {"Version": "2012-10-17", "Statement": [{"Sid": ""}]}
    return {**empty, "Statement": [{"Sid": "x" * (characters - 49)}]}


def role(**properties: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": TRUST, **properties},
    }


def policy(characters: int, role_name: str = "Role") -> dict[str, Any]:
    properties = {"PolicyDocument": document(characters), "Roles": [{"Ref": role_name}]}
    return {"Type": "AWS::IAM::Policy", "Properties": properties}


def of_type(kind: str, member: str, characters: int) -> dict[str, Any]:
    return {"Type": kind, "Properties": {member: document(characters)}}


def test_what_fits_to_the_last_has_no_problem() -> None:
    resources = {
        "Role": role(ManagedPolicyArns=["arn"] * 10, AssumeRolePolicyDocument=document(2048)),
        "One": policy(5120),
        "Two": policy(5120),
        "Managed": of_type("AWS::IAM::ManagedPolicy", "PolicyDocument", 6144),
        "Bucket": of_type("AWS::S3::BucketPolicy", "PolicyDocument", 20_480),
        "Key": of_type("AWS::KMS::Key", "KeyPolicy", 32_768),
    }
    more = {str(number): {"Type": "AWS::SNS::Topic"} for number in range(500 - len(resources))}
    template = {"Resources": resources | more, "Outputs": {str(n): {} for n in range(200)}}
    assert list(limit_problems(template)) == []


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        (
            {"Resources": {str(n): {"Type": "AWS::SNS::Topic"} for n in range(501)}},
            "501 resources, and CloudFormation allows 500 in a stack",
        ),
        (
            {"Outputs": {str(n): {} for n in range(201)}},
            "201 outputs, and CloudFormation allows 200 in a stack",
        ),
        (
            {"Resources": {"Role": role(), "One": policy(5120), "Two": policy(5121)}},
            "Role has inline policies of 10,241 characters together, and IAM allows 10,240",
        ),
        (
            {"Resources": {"Role": role(Policies=[{"PolicyDocument": document(10_241)}])}},
            "Role has inline policies of 10,241 characters together, and IAM allows 10,240",
        ),
        (
            {"Resources": {"Role": role(AssumeRolePolicyDocument=document(2049))}},
            "Role has a trust policy of 2,049 characters, and AWS allows 2,048",
        ),
        (
            {"Resources": {"Role": role(ManagedPolicyArns=["arn"] * 11)}},
            "Role has 11 managed policies, and IAM allows 10",
        ),
        (
            {"Resources": {"P": of_type("AWS::IAM::ManagedPolicy", "PolicyDocument", 6145)}},
            "P has a policy of 6,145 characters, and AWS allows 6,144",
        ),
        (
            {"Resources": {"B": of_type("AWS::S3::BucketPolicy", "PolicyDocument", 20_481)}},
            "B has a policy of 20,481 characters, and AWS allows 20,480",
        ),
        (
            {"Resources": {"K": of_type("AWS::KMS::Key", "KeyPolicy", 32_769)}},
            "K has a policy of 32,769 characters, and AWS allows 32,768",
        ),
    ],
)
def test_one_more_is_refused_by_name(template: dict[str, Any], problem: str) -> None:
    assert list(limit_problems(template)) == [problem]


def test_policies_of_another_role_do_not_count() -> None:
    resources = {"Role": role(), "One": policy(6000), "Two": policy(6000, "Other")}
    assert list(limit_problems({"Resources": resources})) == []

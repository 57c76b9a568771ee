"""What AWS refuses as a policy is an error, never an allow.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from typing import Any

import pytest

from iam_policy import Effect, PolicyError, PolicyType, parse_policy
from tests.unit.iam_policy.builders import (
    ACCOUNT,
    allow,
    document,
    effect,
    policy,
    resource_policy,
    statement,
)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "a policy is an object"),
        ('{"Version": "2012-10-17"}', "Statement is missing"),
        ('{"Version": "2012-10-17", "Statement": []}', "Statement is missing or empty"),
        ('{"Version": "2012-10-18", "Statement": {}}', "Version '2012-10-18'"),
        ('{"Version": "2012-10-17", "Statements": []}', "unknown element 'Statements'"),
        ('{"Version": "2012-10-17", "Version": "2008-10-17"}', "'Version' stands twice"),
        ('{"Statement": ["Allow"]}', "statement 0 is not an object"),
    ],
)
def test_malformed_document(text: str, fault: str) -> None:
    with pytest.raises(PolicyError, match=fault):
        parse_policy(text)


def test_an_element_that_stands_twice_is_an_error_though_json_readers_take_the_last() -> None:
    twice = '{"Statement": {"Effect": "Deny", "Effect": "Allow", "Action": "*", "Resource": "*"}}'
    with pytest.raises(PolicyError, match="'Effect' stands twice"):
        parse_policy(twice)


@pytest.mark.parametrize(
    ("elements", "fault"),
    [
        ({"Effect": "allow"}, "Effect 'allow' is neither"),
        ({"Action": []}, "list of actions is empty"),
        ({"Action": "InvokeEndpoint"}, "is not an action"),
        ({"Action": "sagemaker:Invoke Endpoint"}, "is not an action"),
        ({"Action": "s*:GetObject"}, "is not an action"),
        ({"Action": [1]}, "action 1 is not text"),
        ({"Action": "s3:*", "NotAction": "s3:*"}, "exactly one of Action and NotAction"),
        ({"Resource": []}, "list of resources is empty"),
        ({"Resource": "endpoint/*"}, "neither an ARN nor"),
        ({"Resource": {"Ref": "Endpoint"}}, "is not text"),
        ({"Resource": "*", "NotResource": "*"}, "exactly one of Resource and NotResource"),
        ({"Principal": "*"}, "Principal is for resource-based policies only"),
        ({"Condtion": {}}, "unknown element 'Condtion'"),
        ({"Sid": 7}, "Sid 7 is not text"),
        ({"Condition": []}, "Condition must be an object"),
        ({"Condition": {"StringLikee": {"aws:x": "a"}}}, "unknown condition operator"),
        ({"Condition": {"stringlike": {"aws:x": "a"}}}, "unknown condition operator"),
        ({"Condition": {"NullIfExists": {"aws:x": "true"}}}, "unknown condition operator"),
        ({"Condition": {"ForAllValues:Null": {"aws:x": "true"}}}, "unknown condition operator"),
        ({"Condition": {"ForSomeValues:StringLike": {"aws:x": "a"}}}, "unknown condition operator"),
        ({"Condition": {"StringLike": {}}}, "names no condition key"),
        ({"Condition": {"StringLike": {"TargetModel": "a"}}}, "no prefix"),
        ({"Condition": {"StringLike": {"aws:x": {"Ref": "y"}}}}, "is not text, a number"),
        ({"Condition": {"StringLike": {"aws:x": None}}}, "is not text, a number"),
        ({"Condition": {"NumericEquals": {"aws:x": "1e3"}}}, "is not a number"),
        ({"Condition": {"NumericEquals": {"aws:x": "NaN"}}}, "is not a number"),
        ({"Condition": {"DateLessThan": {"aws:x": "tomorrow"}}}, "is not a date"),
        ({"Condition": {"DateLessThan": {"aws:x": "2020-13-01"}}}, "is not a date"),
        ({"Condition": {"Bool": {"aws:x": "yes"}}}, "is not true or false"),
        ({"Condition": {"Null": {"aws:x": "yes"}}}, "is not true or false"),
        ({"Condition": {"BinaryEquals": {"aws:x": "%"}}}, "is not base64"),
        ({"Condition": {"IpAddress": {"aws:x": "10.0.0.0/33"}}}, "is not an IP address"),
        ({"Condition": {"ArnLike": {"aws:x": "*"}}}, "is not an ARN"),
    ],
)
def test_malformed_statement(elements: dict[str, Any], fault: str) -> None:
    with pytest.raises(PolicyError, match=fault):
        allow(**elements)


@pytest.mark.parametrize("missing", ["Effect", "Action", "Resource"])
def test_missing_element(missing: str) -> None:
    block = statement()
    del block[missing]
    with pytest.raises(PolicyError, match=missing):
        policy(block)


def test_an_id_is_for_resource_based_policies() -> None:
    with pytest.raises(PolicyError, match="Id is for resource-based policies only"):
        parse_policy({**document(statement()), "Id": "x"})
    with_id = {**document(statement(Principal="*")), "Id": "x"}
    assert parse_policy(with_id, policy_type=PolicyType.RESOURCE).statements


def test_a_sid_stands_once_in_a_policy() -> None:
    with pytest.raises(PolicyError, match="two statements have the Sid 'Same'"):
        policy(statement(Sid="Same"), statement(Sid="Same"))


def test_a_trust_policy_has_no_resource() -> None:
    with pytest.raises(PolicyError, match="Resource is not for role trust policies"):
        policy(statement(Principal="*"), policy_type=PolicyType.TRUST)


def test_the_error_names_policy_statement_and_fault() -> None:
    faulty = document(statement(), statement(Sid="Broken", Action="s3"))
    with pytest.raises(PolicyError) as raised:
        parse_policy(faulty, "InvokeNewYork")
    assert str(raised.value) == (
        "identity-based policy InvokeNewYork: statement Broken: "
        "'s3' is not an action such as s3:GetObject"
    )


def test_one_statement_and_one_value_need_no_list() -> None:
    lone = {"Version": "2012-10-17", "Statement": statement(Action="s3:*", Resource="*")}
    assert effect(parse_policy(lone), action="s3:GetObject") is Effect.ALLOWED


def test_not_action_is_every_other_action() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notaction.html"""
    all_but_iam = allow(NotAction=["iam:*", "sts:*"])
    assert effect(all_but_iam, action="s3:GetObject") is Effect.ALLOWED
    assert effect(all_but_iam, action="IAM:CreateUser") is Effect.IMPLICIT_DENY


def test_not_resource_is_every_other_resource() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notresource.html"""
    all_but_payroll = allow(NotResource=["arn:aws:s3:::payroll", "arn:aws:s3:::payroll/*"])
    assert effect(all_but_payroll, resource="arn:aws:s3:::home/a") is Effect.ALLOWED
    assert effect(all_but_payroll, resource="arn:aws:s3:::payroll/a") is Effect.IMPLICIT_DENY


def test_missing_parts_of_a_resource_stand_for_anything() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html"""
    queues = allow(Resource="arn:aws:sqs")
    assert effect(queues, resource=f"arn:aws:sqs:eu-west-1:{ACCOUNT}:queue") is Effect.ALLOWED
    assert effect(queues, resource=f"arn:aws:sns:eu-west-1:{ACCOUNT}:topic") is not Effect.ALLOWED


def test_a_star_at_the_end_of_a_part_of_a_resource_goes_beyond_the_colon() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html"""
    everything_in_s3 = allow(Resource="arn:aws:s3:*")
    assert effect(everything_in_s3, resource="arn:aws:s3:::bucket/key:x") is Effect.ALLOWED


def test_resource_policies_may_use_every_element() -> None:
    assert resource_policy(
        statement("Deny", Sid="A sid with spaces", Principal={"AWS": "*"}, Condition={})
    ).statements


@pytest.mark.parametrize("sid", ["Invoke models of NY", "invoke-ny", "ä"])
def test_the_sid_of_an_iam_policy_is_letters_and_digits(sid: str) -> None:
    with pytest.raises(PolicyError, match="must be alpha-numeric"):
        parse_policy(document(statement(Sid=sid)))


def test_the_sid_of_a_key_or_bucket_policy_may_hold_spaces() -> None:
    block = statement(Sid="Enable IAM User Permissions", Principal="*")
    parse_policy(document(block), policy_type=PolicyType.RESOURCE)


def test_a_sid_that_is_another_statements_index_is_no_duplicate() -> None:
    parse_policy(document(statement(Sid="1"), statement()))


def test_a_repeated_sid_is_named() -> None:
    with pytest.raises(PolicyError, match="two statements have the Sid 'A'"):
        parse_policy(document(statement(Sid="A"), statement(Sid="A")))
